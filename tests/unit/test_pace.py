"""The moments at which answers about people are given."""

import pytest

from limen.selfservice.pace import CHANCE, STEP, rest


@pytest.mark.parametrize("chance", [0.0, 0.3, 0.999])
@pytest.mark.parametrize("work", [0.0001, 0.001, 0.0153, STEP - 0.0001])
def test_work_that_is_done_in_time_leaves_no_trace(work: float, chance: float) -> None:
    assert work + rest(work, chance) == pytest.approx(STEP + CHANCE * chance)


def test_work_that_takes_longer_waits_for_the_next_moment() -> None:
    assert 2.3 * STEP + rest(2.3 * STEP, 0.0) == pytest.approx(3 * STEP)
