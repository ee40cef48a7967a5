"""The child process of `workshop`: renders templates, or says what is wrong with them."""

from __future__ import annotations

from typing import Any, Literal

from limen.core import confinedchild, templatefuncs, templatemistakes, templates
from limen.core.templates import Record, TemplateError
from limen.courier import kinds

MEMORY = 512 * 1024**2  # bytes of address space


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    kind = kinds.BY_PATH[asked["kind"]]
    records = [kind.record(asked["channel"], one["data"], one["own"]) for one in asked["records"]]
    if asked["check"]:
        part, sources = next(iter(asked["parts"].items()))
        found, made = templatemistakes.find(next(iter(sources.values())), records, _escaping(part))
        told = [{"line": one.line, "column": one.column, "message": one.message} for one in found]
        return {"mistakes": told, "texts": made}
    return {"parts": {part: _made(sources, records[0], part) for part, sources in asked["parts"].items()}}


def _made(sources: dict[str, str], record: Record, part: str) -> dict[str, Any]:
    try:
        return {"text": templates.render(sources, record, _escaping(part))}
    except TemplateError as error:
        return {"error": str(error), "line": getattr(error.__cause__, "line", None) or 0}


def _escaping(part: str) -> Literal["text", "html"]:
    return "html" if part == "html" else "text"


if __name__ == "__main__":
    for escaping in ("text", "html"):  # the engine is loaded before what it does is counted
        templatefuncs.functions(escaping)
        templates.check({"warm": "{{ .To }}"}, escaping)
    confinedchild.serve(_answer, memory=MEMORY)
