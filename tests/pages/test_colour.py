"""The accent: whatever an operator chooses can be read."""

from __future__ import annotations

import re
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.core import colour
from limen.http.pages import look

COLOURS = st.integers(0, 0xFFFFFF).map(lambda n: f"#{n:06x}")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21), ("#777777", "#ffffff", 4.48), ("#767676", "#ffffff", 4.54), ("#2f6db5", "#2f6db5", 1)],
)
def test_contrast_is_that_of_the_guidelines(one: str, other: str, ratio: float) -> None:
    assert round(colour.contrast(one, other), 2) == round(colour.contrast(other, one), 2) == ratio


@given(COLOURS)
def test_every_accent_can_be_read_on_both_grounds(accent: str) -> None:
    light, dark = (scheme(part) for part in look.style(accent).split("@media"))
    for values, grounds in ((light, look.LIGHT), (dark, look.DARK)):
        for ground in grounds:
            assert colour.contrast(values["accent"], ground) >= colour.TEXT
            assert colour.contrast(values["fill-edge"], ground) >= colour.GRAPHIC
        assert values["fill"] == accent
        assert colour.contrast(values["fill-ink"], values["fill"]) >= colour.TEXT
        assert colour.contrast(values["fill-ink"], values["fill-hover"]) >= colour.TEXT


def scheme(text: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{6});", text))


@given(COLOURS)
def test_a_colour_that_can_be_read_stays_as_it_is(accent: str) -> None:
    found = colour.readable(accent, look.LIGHT, "#000000")
    if all(colour.contrast(accent, ground) >= colour.TEXT for ground in look.LIGHT):
        assert found == accent


def declared(dark: bool) -> dict[str, str]:
    css = resources.files("limen.http.pages").joinpath("static/limen.css").read_text()
    light, _, rest = css.partition("@media (prefers-color-scheme: dark)")
    block = rest if dark else light
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block.partition("\n}\n")[0]))


@pytest.mark.parametrize(("dark", "grounds"), [(False, look.LIGHT), (True, look.DARK)])
def test_the_colours_of_the_stylesheet_can_be_read(dark: bool, grounds: tuple[str, ...]) -> None:
    values = declared(False) | declared(dark)
    assert (values["card"], values["ground"], values["note"]) == grounds
    for ground in grounds:
        for ink in ("ink", "soft"):
            assert colour.contrast(values[ink], ground) >= colour.TEXT, ink
        assert colour.contrast(values["bad"], ground) >= colour.TEXT
    assert colour.contrast(values["edge"], values["card"]) >= colour.GRAPHIC
    for tone in ("bad", "good"):
        assert colour.contrast(values[tone], values[f"{tone}-ground"]) >= colour.TEXT
