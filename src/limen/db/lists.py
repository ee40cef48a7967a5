"""`in (…)` with `:names`: lists of one length, so that each statement is one text, prepared once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

LENGTH = 100


def placeholders(name: str) -> str:
    """`(:name_0, :name_1, …)`, to stand behind `in`."""
    return "(" + ", ".join(f":{name}_{index}" for index in range(LENGTH)) + ")"


def chunks(name: str, values: Sequence[str]) -> Iterator[dict[str, str]]:
    """The parameters for these values, as often as the statement has to run. Places left over repeat the last value."""
    for at in range(0, len(values), LENGTH):
        part = values[at : at + LENGTH]
        yield {f"{name}_{index}": part[min(index, len(part) - 1)] for index in range(LENGTH)}
