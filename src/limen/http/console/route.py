"""One operation of the operator's API: where it is, who may use it, what it takes and answers, and what does it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from limen.http.kit import Handler
from limen.http.openapi.operation import Operation

# Who may: each may what those before may, but for programs, which have addresses of their own.
May = Literal["anyone", "person", "viewer", "developer", "owner", "service"]


_PLACES = re.compile(r"\{(\w+)\}")


class Route(Struct, frozen=True, kw_only=True):
    """`recent`: the sign-in has to be fresh, because this destroys or gives away. `example`: a body that works."""

    id: str
    method: str
    path: str
    tag: str
    says: str
    may: May
    handler: Handler
    takes: str = ""
    body: type[Struct] | None = None
    answers: Mapping[int, str]
    errors: tuple[int, ...] = ()
    recent: bool = False
    kind: str = "application/json"
    example: Mapping[str, Any] | None = None

    def document(self) -> dict[str, Any]:
        """As the description of the API has it."""
        refused = () if self.may == "anyone" else (401, 403)
        wrong = (400, 415) if self.body else ()
        takes = ", ".join((*(f"{name}*" for name in _PLACES.findall(self.path)), *([self.takes] if self.takes else [])))
        operation = Operation(
            id=self.id, method=self.method, path=self.path, tag=self.tag, says=self.says, takes=takes,
            body=self.body.__name__ if self.body else "", answers=self.answers,
            errors=tuple(sorted({*self.errors, *refused, *wrong})), kind=self.kind,
        )  # fmt: skip
        found = operation.document()
        if self.example is not None:
            found["requestBody"]["content"]["application/json"]["example"] = self.example
        found["x-may"] = self.may
        if self.recent:
            found["x-recent-sign-in"] = True
        match self.may:
            case "anyone":
                found["security"] = []
            case "service":
                found["security"] = [{"apikey": []}]
            case _:
                found["security"] = [{"session": []}]
        return found


def schemas(routes: tuple[Route, ...]) -> dict[str, Any]:
    """The schemas of all bodies, made from the structs they are read into."""
    bodies = [route.body for route in routes if route.body]
    _, components = msgspec.json.schema_components(bodies, ref_template="#/components/schemas/{name}")
    return dict(components)
