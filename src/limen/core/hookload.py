"""The templates of web hooks, looked at before the first call: those that cannot be read, or are no Jsonnet.

Only warnings: Kratos starts with such a template, and whoever writes one may put it there later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import fields, replace

from limen.core import jsonnet, sources
from limen.core.config import Config
from limen.core.configcheck import in_order
from limen.core.confighooks import WebHook
from limen.core.configkeys import Path, dotted
from limen.core.configreport import covered
from limen.core.configvalues import mask
from limen.core.places import Place, Places, Problem, pointer

_AT = re.compile(r"\(?(?P<line>\d+):(?P<column>\d+)\S* (?P<message>.+)", re.DOTALL)
_SNIPPET = "template"
_SHOWN = 60  # characters of an address; one with base64 in it is a whole template


def check(
    config: Config, places: Places | None = None, lines: Mapping[str, Sequence[str]] | None = None
) -> tuple[Problem, ...]:
    """What is wrong with the templates. Those on the web are not fetched: they may be there only when they are needed."""
    found: list[Problem] = []
    told: set[str] = set()
    for path, source in _bodies(config):
        if source in told or sources.is_remote(source):
            continue
        told.add(source)
        place = (places or Places(Place("configuration"))).value(pointer(*path))
        source_line = covered((lines or {}).get(place.file, ()), place.line)
        if problem := _problem(path, source, place, source_line):
            found.append(problem)
    return in_order(found)


def _bodies(config: Config) -> Iterator[tuple[Path, str]]:
    """Where each web hook's template stands, and what stands there."""
    flows = config.selfservice.flows
    for kind in ("login", "registration", "settings", "recovery", "verification"):
        flow: Any = getattr(flows, kind)
        above: Path = ("selfservice", "flows", kind)
        lists = [((*above, "before"), flow.before), ((*above, "after"), flow.after)]
        for field in fields(flow.after):
            inner = getattr(flow.after, field.name)
            if hasattr(inner, "hooks"):
                lists.append(((*above, "after", field.encode_name), inner))
        for where, section in lists:
            for index, hook in enumerate(section.hooks):
                if isinstance(hook, WebHook) and hook.config.body:
                    yield (*where, "hooks", index, "config", "body"), hook.config.body


def _problem(path: Path, source: str, place: Place, line: str) -> Problem | None:
    here = Problem(
        file=place.file,
        line=place.line,
        column=place.column,
        path=dotted(path),
        found=f'"{mask(source)[:_SHOWN]}"',
        message="",
        source=line,
    )
    try:
        snippet = sources.read(source).decode()
        jsonnet.check(snippet, _SNIPPET)
    except (sources.SourceError, UnicodeDecodeError) as error:
        return replace(here, message=f"There is no template: {mask(str(error))}.")
    except jsonnet.JsonnetError as error:
        return _mistake(here, source, str(error))
    return None


def _mistake(here: Problem, source: str, said: str) -> Problem:
    """In a file the mistake has a place of its own."""
    at = _AT.match(said.removeprefix(f"{_SNIPPET}:"))
    if at is None:
        return replace(here, message=f"The template is no Jsonnet: {said}.")
    message = f"This is no Jsonnet. {at['message']}."
    scheme, separator, rest = source.partition("://")
    if separator and scheme != "file":
        return replace(here, message=f"In the template, line {at['line']}, column {at['column']}: {message}")
    return Problem(
        file=rest if separator else source,
        line=int(at["line"]),
        column=int(at["column"]),
        path=here.path,
        message=message,
    )
