"""Colours and their contrast (WCAG 2.2, "relative luminance" and "contrast ratio"). Colours are `#rrggbb`."""

from __future__ import annotations

from collections.abc import Iterable

TEXT, GRAPHIC = 4.5, 3.0  # the least contrast of text (1.4.3) and of what is not text (1.4.11), level AA
_STEPS = 64


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mix(one: str, other: str, share: float) -> str:
    """`one` with this share of `other` in it."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def readable(colour: str, grounds: Iterable[str], towards: str, least: float = TEXT) -> str:
    """The colour, moved towards black or white as little as it takes to stand out from all these grounds."""
    grounds = tuple(grounds)
    for step in range(_STEPS + 1):
        found = mix(colour, towards, step / _STEPS)
        if all(contrast(found, ground) >= least for ground in grounds):
            return found
    return towards


def ink_on(fill: str) -> str:
    """White where it can be read on this colour, else black: one of them always can, as 4.58 squared is 21."""
    return "#ffffff" if contrast(fill, "#ffffff") >= TEXT else "#000000"


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)
