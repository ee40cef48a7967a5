"""Secrets that are known beforehand, and everything a server says: what was sown must not come up where it does not belong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote

import httpx


class Heard(NamedTuple):
    """One thing that came out, and where."""

    where: str
    text: str


class Ear:
    """Listens to clients. A secret may be in what was said until it was sown, by which it was handed out, and nowhere after."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self._sown: list[tuple[str, str, int]] = []

    def at(self, http: httpx.Client, name: str) -> None:
        """Hear every answer to this client: its status, its headers and its body."""

        def listen(answer: httpx.Response) -> None:
            answer.read()
            headers = "\n".join(f"{key}: {value}" for key, value in answer.headers.multi_items())
            self.hear(
                f"{name}: {answer.request.method} {answer.request.url.path}",
                f"{answer.status_code}\n{headers}\n{answer.text}",
            )

        http.event_hooks = {"response": [*http.event_hooks["response"], listen]}

    def hear(self, where: str, text: str) -> None:
        self.heard.append(Heard(where, text))

    def sow(self, name: str, value: str, *, always: bool = False) -> str:
        """Remember a secret; `always`: it is in no answer, not even one that was given before."""
        assert len(value) >= 6, name
        self._sown.append((name, value, 0 if always else len(self.heard)))
        return value

    @property
    def names(self) -> set[str]:
        return {name for name, _, _ in self._sown}

    @property
    def places(self) -> set[str]:
        return {heard.where for heard in self.heard}

    def found(self, belongs: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which secrets came up where; `belongs` are patterns of pairs, of a secret and a place, that are meant to be."""
        hits = {
            (name, heard.where)
            for name, value, since in self._sown
            for heard in self.heard[since:]
            if any(spelt(one).search(heard.text) for one in {value, quote(value, safe="")})
        }
        return {hit for hit in hits if not any(all(map(re.fullmatch, pair, hit)) for pair in belongs)}


def spelt(value: str) -> re.Pattern[str]:
    """A code of digits counts when it stands alone: there are many digits in a moment."""
    return re.compile(rf"(?<![\d.-]){value}(?![\d.-])" if value.isdecimal() else re.escape(value))
