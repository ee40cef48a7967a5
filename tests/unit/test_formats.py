"""What counts as an address."""

from __future__ import annotations

import pytest

from limen.core.formats import email


@pytest.mark.parametrize("text", ["ann@example.org", "jörg@example.org", "ａｎｎ@example.org", "a+b.c@localhost"])
def test_an_address_in_any_script(text: str) -> None:
    assert email(text)


@pytest.mark.parametrize("sign", "＠，；：＜＞＼（）\ufdfa\u2028\u00b4")
def test_97_a_letter_that_becomes_another_sign_makes_no_address(sign: str) -> None:
    """The canonical spelling is what mail goes to, and there it would end the name, or begin a second address."""
    assert not email(f"ann{sign}eve@example.org")
