"""A running server, as commands reach it: its admin API."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click
import httpx2

SECONDS = 30.0
TOKEN = "KRATOS_ADMIN_TOKEN"  # the variable; for an admin API behind a proxy that asks who calls
F = TypeVar("F", bound=Callable[..., Any])


class Refused(Exception):
    """The server did not do it, or was not reached; the text says why."""


def endpoint(command: F) -> F:
    """`--endpoint`, or the variable that stands in for it."""
    return click.option(
        "-e", "--endpoint", envvar=("KRATOS_ADMIN_URL", "LIMEN_ADMIN_URL"), metavar="URL",
        help="The admin API, such as http://127.0.0.1:4434; else from KRATOS_ADMIN_URL.",
    )(command)  # fmt: skip


class Server:
    """:raises click.UsageError: nobody said which server"""

    def __init__(self, url: str | None) -> None:
        if not url:
            raise click.UsageError("Say which server with --endpoint, or set KRATOS_ADMIN_URL.")
        self._http = httpx2.Client(base_url=url.rstrip("/") + "/", timeout=SECONDS)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ask(self, method: str, path: str, *, query: Any = None, body: Any = None) -> httpx2.Response:
        """An answer that says yes.

        :raises Refused: it says no, or nobody answers
        """
        token = os.environ.get(TOKEN)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        try:
            answer = self._http.request(method, f"admin/{path}", params=query, json=body, headers=headers)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Refused(f"{self._http.base_url} cannot be reached: {error}") from error
        if answer.status_code >= 400:
            raise Refused(_told(answer))
        return answer

    def json(self, method: str, path: str, *, query: Any = None, body: Any = None) -> Any:
        answer = self.ask(method, path, query=query, body=body)
        try:
            return answer.json()
        except ValueError as error:
            raise Refused(f"{answer.url} is no Limen or Kratos: it does not answer JSON.") from error

    def public(self, path: str) -> Any:
        """What the public API, to which this one leads, serves here."""
        try:
            answer = self._http.get(path, follow_redirects=True)
            if answer.status_code >= 400:
                raise Refused(_told(answer))
            return answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise Refused(f"{path} cannot be read: {error}") from error


def _told(answer: httpx2.Response) -> str:
    """What the error envelope says, in one line."""
    try:
        error = answer.json()["error"]
        said = [str(error[name]) for name in ("message", "reason") if error.get(name)]
    except (ValueError, KeyError, TypeError):
        return f"The server answered {answer.status_code}."
    return " ".join(said) or f"The server answered {answer.status_code}."
