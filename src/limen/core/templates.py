"""Go templates for messages (text/template and html/template syntax), evaluated in a sandbox."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

Kind = Literal["text", "html"]


class TemplateError(Exception):
    """A template cannot be read, or not with this data; the text says where."""


@lru_cache(maxsize=256)
def _compiled(source: str, kind: Kind) -> Any:
    import gotpl  # noqa: PLC0415 - 50 ms that a start need not wait for

    sandbox = gotpl.SandboxPolicy()
    if kind == "html":
        return gotpl.HTMLTemplate(source, sandbox=sandbox, missing_key="zero")
    return gotpl.Template(source, sandbox=sandbox)


def render(source: str, data: dict[str, Any], kind: Kind = "text") -> str:
    """:raises TemplateError: the template is wrong, or does not fit the data"""
    import gotpl  # noqa: PLC0415 - see above

    try:
        return str(_compiled(source, kind).render(data))
    except gotpl.TemplateError as error:
        raise TemplateError(str(error)) from error
