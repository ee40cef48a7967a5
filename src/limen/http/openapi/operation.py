"""One operation of the API, as its description has it: where it is, what it takes, what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from msgspec import Struct

from limen.http.openapi import shape
from limen.http.openapi.shape import Schema

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
EVERYWHERE = (503,)  # the database cannot be reached


class Operation(Struct, frozen=True, kw_only=True):
    """`takes` are the parameters: `name: type` in the query, `@name` in the headers, `name*` where one is required.

    `answers` are the components answered with by status (several with `|` between, "" where there is nothing to read), and
    `errors` the statuses of error envelopes.
    """

    id: str
    method: str
    path: str
    tag: str
    says: str
    takes: str = ""
    body: str = ""
    form: bool = False  # the body may be an HTML form
    answers: Mapping[int, str]
    errors: tuple[int, ...] = ()
    kind: str = JSON  # what a success is written in

    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = {"operationId": self.id, "tags": [self.tag], "summary": self.says}
        if parameters := self._parameters():
            found["parameters"] = parameters
        if self.body:
            kinds = (JSON, FORM) if self.form else (JSON,)
            content = {kind: {"schema": shape.ref(self.body)} for kind in kinds}
            found["requestBody"] = {"required": True, "content": content}
        found["responses"] = self._responses()
        return found

    def _parameters(self) -> list[dict[str, Any]]:
        found = []
        for part in self.takes.split(","):
            name, _, kind = part.strip().partition(":")
            if not name:
                continue
            place = "header" if name[0] == "@" else "path" if f"{{{name.strip('@*')}}}" in self.path else "query"
            required = name.endswith("*") or place == "path"
            schema = shape.of(kind) if kind else shape.of("string")
            found.append(
                {"name": name.strip("@*"), "in": place, "schema": schema, **({"required": True} if required else {})}
            )
        return found

    def _responses(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for status in sorted({*self.answers, *self.errors, *EVERYWHERE}):
            found[str(status)] = {"description": HTTPStatus(status).phrase}
            names = [name for name in self.answers.get(status, "").split("|") if name]
            if status in (*self.errors, *EVERYWHERE):
                names.append("errorGeneric")
            if names:
                kind = self.kind if status < 300 else JSON
                found[str(status)]["content"] = {kind: {"schema": _any_of([shape.of(name) for name in names])}}
        error = {JSON: {"schema": shape.ref("errorGeneric")}}
        found["default"] = {"description": "Any other error", "content": error}
        return found


def _any_of(schemas: list[Schema]) -> Schema:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
