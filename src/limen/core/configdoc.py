"""The reference page of the configuration, made from the structs; `python -m limen.core.configdoc` writes it out."""

import json
import sys
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from limen.core.configkeys import ROOT, Key, Path, dotted, everything, keys, variable
from limen.core.configlost import listed
from limen.core.configtypes import duration_text, size_text

_HEAD: Final = """\
# Configuration

You will know here what every key does, what it may hold, and how to set it without a file. This page is generated.

The file is Ory Kratos' configuration file; `limen` is the one section that Kratos does not have. Files end in `.yaml`,
`.yml`, `.json` or `.toml`. Several may be given: maps are merged, lists are replaced whole, later files win. Above the
files stand the flags, above these the environment.

**Environment variables.** Every key has one, its path in capitals with `_` for dots and hyphens. Items of lists have
numbers (`…_PROVIDERS_0_CLIENT_SECRET`) and are merged into the list of the file; a whole list or map may be given as
JSON, a list of texts also with commas. An empty variable counts as not set.

**Values.** A duration is written `1h30m` or `500ms` (h, m, s, ms, us, ns). A size is written `128MB`, where a KB has
1024 bytes. YAML is read by its version 1.2: `on` and `yes` are text. Placeholders such as `${NAME}` are not filled in, but told.
A key with nothing after it counts as not set.

**Not effective yet** stands at keys that are read and checked although what they are for is not built. Start-up names
those that you set.
"""
_PENDING: Final = """\
## Not effective yet

What the keys below are for, but is not built:
"""
_HOOKS: Final = """\
## Hooks

Every list of `hooks` takes maps with the key `hook`; which ones, the tables above say. A list at a method replaces the
one of its flow. Each hook may stand in a list once with the same settings.
"""


class _Row(Struct, frozen=True):
    path: Path
    key: Key
    pending: str


def markdown() -> str:
    """The whole page."""
    groups: dict[str, list[_Row]] = {}
    rows = list(_rows(ROOT, (), ""))
    for row in rows:
        depth = 3 if row.path[:2] in (("selfservice", "flows"), ("selfservice", "methods")) else 1
        group = dotted(row.path[:depth]) if len(row.path) > 1 else ""
        groups.setdefault(group, []).append(row)
    pending = sorted({row.pending for row in rows if row.pending}, key=str.lower)
    parts = [_HEAD, *([_PENDING, *(f"- {feature}" for feature in pending), ""] if pending else [])]
    parts += ["## Top level\n", _table(groups.pop(""))]
    for group, own in groups.items():
        parts += [f"## `{group}`\n", f"{_about(group)}\n", _table(own)]
    return "\n".join([*parts, _HOOKS, *_hooks()])


def _rows(key: Key, path: Path, pending: str) -> Iterator[_Row]:
    for name, below in keys(key.section).items():
        at, missing = (*path, name), below.pending or pending
        item = below.item
        if below.kind == "map":
            yield from _rows(below, at, missing)
        elif below.kind == "choice":
            for tag, variant in below.variants:
                yield _Row((*at, below.tag), Key(kind="text", about=f"`{tag}`: {variant.about}"), missing)
                yield from _rows(variant, at, missing)
        else:
            yield _Row(at, below, missing)
            if item and item.kind == "map":
                yield from _rows(item, (*at, "[]" if below.kind == "list" else "<name>"), missing)


def _table(rows: list[_Row], *, variables: bool = True) -> str:
    lines = ["| Key | Takes | Default | What it is for |", "|---|---|---|---|"]
    for row in rows:
        name = f"`{dotted(row.path)}`" + (f"<br>`{variable(row.path)}`" if variables else "")
        about = row.key.about
        about += f" **Not effective yet: {row.pending}.**" if row.pending else ""
        about += f" Outdated: {row.key.deprecated}" if row.key.deprecated else ""
        takes = row.key.expects().replace("|", "\\|")
        lines.append(f"| {name} | {takes} | {default_of(row.key)} | {about} |")
    return "\n".join(lines) + "\n"


def default_of(key: Key) -> str:
    value = key.default
    if key.required:
        return "required"
    if value is None or value in ("", (), {}):
        return "–"
    if isinstance(value, float) and key.kind == "duration":
        return f"`{duration_text(value)}`"
    if isinstance(value, int) and key.kind == "size":
        return f"`{size_text(value)}`"
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value, ensure_ascii=False)}`"


def _about(group: str) -> str:
    key = ROOT
    for name in group.split("."):
        key = keys(key.section)[name]
    return key.about


def _hooks() -> Iterator[str]:
    hooks: dict[str, Key] = {}
    places: dict[str, list[Path]] = {}
    for path, key in everything():
        for name, hook in key.item.variants if key.item and key.item.tag == "hook" else ():
            hooks[name] = hook
            places.setdefault(name, []).append(path)
    for name, hook in sorted(hooks.items()):
        rows = list(_rows(hook, (), ""))
        pending = f" **Not effective yet: {hook.pending}.**" if hook.pending else ""
        yield f"### `{name}`\n"
        yield f"{hook.about}{pending} It may stand in {listed(places[name], 9)}.\n"
        if rows:
            yield _table(rows, variables=False)


if __name__ == "__main__":
    sys.stdout.write(markdown())
