"""Codes of authenticator apps, with the published vectors (RFC 4226 appendix D, RFC 6238 appendix B)."""

from __future__ import annotations

import base64

import pytest

from limen.core import totp

SECRET = base64.b32encode(b"12345678901234567890").decode()
BY_COUNTER = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
# The six last digits of the eight that the standard lists.
BY_TIME = {
    59: "287082",
    1111111109: "081804",
    1111111111: "050471",
    1234567890: "005924",
    2000000000: "279037",
    20000000000: "353130",
}


@pytest.mark.parametrize(("counter", "code"), list(enumerate(BY_COUNTER)))
def test_a_code_by_its_counter(counter: int, code: str) -> None:
    assert totp.at(SECRET, counter).decode() == code


@pytest.mark.parametrize(("moment", "code"), list(BY_TIME.items()))
def test_a_code_by_the_time(moment: int, code: str) -> None:
    assert totp.matching_step(SECRET, code, moment) == moment // 30


def test_clocks_may_differ_by_one_step() -> None:
    ahead = totp.matching_step(SECRET, BY_COUNTER[2], 30)
    assert ahead == 2
    steps = {now // 30: totp.matching_step(SECRET, "287082", now) for now in range(30, 150, 30)}
    assert steps == {1: 1, 2: 1, 3: None, 4: None}


def test_a_step_that_was_used_is_over() -> None:
    assert totp.matching_step(SECRET, "287082", 59, after=0) == 1
    assert totp.matching_step(SECRET, "287082", 59, after=1) is None


@pytest.mark.parametrize("code", ["", "28708", "2870822", "28708é", "２８７０８２", " 287082 "])
def test_what_is_no_code(code: str) -> None:
    assert totp.matching_step(SECRET, code, 59) == (1 if code.strip() == "287082" else None)


def test_a_secret_that_is_none_fits_nothing() -> None:
    assert totp.matching_step("not base32!", "287082", 59) is None
