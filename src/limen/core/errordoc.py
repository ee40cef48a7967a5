"""Writes docs/reference/errors.md: `python -m limen.core.errordoc > docs/reference/errors.md`."""

import inspect
import sys
from collections.abc import Iterator
from typing import Any, Final, get_type_hints

from limen.core import errors
from limen.core.errors import GENERIC, ApiError

_HEAD: Final = """\
# Errors

At the end of this page you know every error a program may get from the API, and what each asks you to do. This page is
generated.

What a person can mend comes back as a form with [messages](messages.md), not as one of these. Everything else is an error,
and every error has one shape:

```json
{
  "error": {
    "code": 403,
    "status": "Forbidden",
    "id": "session_refresh_required",
    "reason": "Sign in once more, then make the change again.",
    "message": "The session is too old for this change.",
    "details": {}
  }
}
```

Go by `code` and `id`; both are those of Ory Kratos. `message` says what happened and `reason` what to do; they are Limen's
own sentences and change. `id`, `reason` and `details` are left out when there is nothing to say; the id stands in the header
`Ory-Error-Id` too. `request` names the request, when the caller gave it an `X-Request-Id` or when it was our fault: look
for it in the log.

Who asked decides the form. Apps and scripts (`Accept: application/json`) get this JSON. A browser that follows links is sent
to the error page (`selfservice.flows.error.ui_url`, or our own), with `?id=…` to read the same at
`GET /self-service/errors?id=…`.

A name in braces is filled in. **Beside** lists what else the answer holds: `details.…` inside of `error`, other names beside
it, headers with a capital letter; `code` where the body names another code than the status line."""

_WITH_ID: Final = "\n## With an id\n\nA program can tell these apart by their `id`.\n"
_PLAIN: Final = (
    "\n## Without an id\n\nHere the status says enough for a program; the reason is for whoever reads the log.\n"
)
_STATUS: Final = "\n## By status\n\nThe message of an error that has none of its own.\n"


def markdown() -> str:
    """The page, with every error that is declared."""
    rows = sorted((error.id, error.status, _row(error)) for error in examples())
    lines = [_HEAD, _WITH_ID, "| id | status | message | reason | beside |", "|" + "---|" * 5]
    lines += [f"| `{id_}` | {row}" for id_, _, row in rows if id_]
    lines += [_PLAIN, "| status | message | reason | beside |", "|" + "---|" * 4]
    lines += [f"| {row}" for id_, _, row in rows if not id_]
    lines += [_STATUS, "| status | message |", "|---|---|"]
    lines += [f"| {status} | {message} |" for status, message in GENERIC.items()]
    return "\n".join(lines) + "\n"


def examples() -> Iterator[ApiError]:
    """One of each error in `errors`, made with the names of its values in place of the values."""
    for name, make in vars(errors).items():
        if inspect.isfunction(make) and not name.startswith("_") and get_type_hints(make).get("return") is ApiError:
            arguments: dict[str, Any] = {}
            for value in inspect.signature(make).parameters.values():
                if value.annotation in ("str", "int") and not isinstance(value.default, int):
                    arguments[value.name] = f"{{{value.name}}}"
                elif value.default is value.empty and value.kind is not value.VAR_KEYWORD:
                    arguments[value.name] = {}
            yield make(**arguments)


def _row(error: ApiError) -> str:
    beside = [f"`code`: {error.code}"] if error.code != error.status else []
    beside += [f"`details.{name}`" for name in error.details] + [f"`{name}`" for name in error.top]
    beside += [f"`{name}`" for name in error.headers]
    return " | ".join((str(error.status), _cell(error.message), _cell(error.reason), ", ".join(beside))) + " |"


def _cell(sentence: str) -> str:
    return sentence.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(markdown())
