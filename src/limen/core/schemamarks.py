"""The marks of an identity schema: what `ory.sh/kratos` says of a trait, and whether it says it in the right place."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from limen.core.configvalues import nearest
from limen.core.schema import EXTENSION
from limen.core.schemakeywords import KEYWORDS
from limen.core.schemanotes import Notes, Path, what, written

_FLAG: Final = "flag"
_VIA: Final = ["email", "sms"]
TREE: Final[Mapping[str, Any]] = {
    "credentials": {
        "password": {"identifier": _FLAG},
        "webauthn": {"identifier": _FLAG},
        "passkey": {"display_name": _FLAG},
        "totp": {"account_name": _FLAG},
        "code": {"identifier": _FLAG, "via": _VIA},
    },
    "verification": {"via": _VIA},
    "recovery": {"via": _VIA},
    "organizations": {"matcher": ["email_domain"]},
}
_ALIASES: Final = {"phone": "sms", "tel": "sms", "telephone": "sms", "text": "sms", "mail": "email", "e-mail": "email"}
_SIGN_IN: Final = {"password": "identifier", "webauthn": "identifier", "code": "identifier", "passkey": "display_name"}
_ALMOST: Final = re.compile(r"(x-)?ory([^a-z].*)?|(.*[^a-z])?kratos", re.IGNORECASE)


def check(notes: Notes, schema: Mapping[str, Any], at: Path) -> None:
    """Note what is wrong with the marks of one schema, or with their place."""
    if EXTENSION in schema:
        below = (*at, EXTENSION)
        # Kratos looks through maps only; what it finds in a list, such as an `allOf`, it reads without complaint.
        _compare(notes, TREE, schema[EXTENSION], below, loose=any(isinstance(step, int) for step in at))
        if isinstance(schema[EXTENSION], Mapping):
            _doubt(notes, schema[EXTENSION], schema, below)
    if at[-1:] != (EXTENSION,):
        _misplaced(notes, schema, at)


def stray(notes: Notes, data: object, at: Path, schemas: Collection[Path]) -> None:
    """Note what is wrong with marks where no schema stands: Kratos looks at them all the same."""
    if not isinstance(data, Mapping):
        return
    for name, inner in data.items():
        if name == EXTENSION and at not in schemas:
            _compare(notes, TREE, inner, (*at, name), loose=False)
        stray(notes, inner, (*at, name), schemas)


def signs_in(schema: Mapping[str, Any]) -> bool:
    """Whether people can sign in with the trait that this schema describes."""
    credentials = _get(schema, EXTENSION, "credentials")
    return any(_get(credentials, kind, mark) is True for kind, mark in _SIGN_IN.items())


def _compare(notes: Notes, tree: Mapping[str, Any], value: object, at: Path, *, loose: bool) -> None:
    if not isinstance(value, Mapping):
        only = next(iter(tree)) if len(tree) == 1 else ""
        hint = f'Write `{{"{only}": {"true" if tree[only] == _FLAG else written(tree[only][0])}}}`' if only else ""
        notes.wrong(at, f"A map belongs here, not {what(value)}.", hint, value=value, allowed=", ".join(tree))
        return
    for name, inner in value.items():
        below, known = (*at, name), tree.get(name)
        if known is None:
            message = f"There is no key `{name}` here"
            note = notes.doubt if loose else notes.wrong
            message += "; it has no effect." if loose else "."
            note(below, message, _near(name, tree, at), allowed=", ".join(tree), key=True)
        elif isinstance(known, Mapping):
            _compare(notes, known, inner, below, loose=loose)
        elif known == _FLAG and not isinstance(inner, bool):
            hint = f"Write {inner} without quotes." if inner in ("true", "false") else ""
            notes.wrong(below, "This must be true or false.", hint, value=inner)
        elif known != _FLAG and inner not in known:
            match = _ALIASES.get(inner.lower()) or nearest(inner, known, 0.6) if isinstance(inner, str) else ""
            hint = f"Did you mean `{match}`?" if match in known else ""
            notes.wrong(below, "This is none of the values allowed.", hint, value=inner, allowed=", ".join(known))


def _near(name: str, tree: Mapping[str, Any], at: Path) -> str:
    if match := nearest(name, list(tree), 0.6):
        return f"Did you mean `{match}`?"
    if name == "identifier" and len(tree) == 1:
        return f"Did you mean `{next(iter(tree))}`?"
    steps = at[at.index(EXTENSION) + 1 :]
    homes = [".".join(way[:-1]) for way in _ways(TREE) if way[-1] == name and way[:-1] != steps]
    if not homes:
        return ""
    return f"It belongs below {' or '.join(f'`{home}`' if home else f'`{EXTENSION}`' for home in homes)}."


def _ways(tree: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, inner in tree.items():
        yield (*above, name)
        if isinstance(inner, Mapping):
            yield from _ways(inner, (*above, name))


def _doubt(notes: Notes, marks: Mapping[str, Any], schema: Mapping[str, Any], at: Path) -> None:
    """Marks that Kratos takes, and that then never work."""
    for name in ("verification", "recovery"):
        if isinstance(marks.get(name), Mapping) and "via" not in marks[name]:
            hint = 'Write `{"via": "email"}` or `{"via": "sms"}`.'
            notes.doubt((*at, name), "`via` is missing, so this has no effect.", hint, key=True)
    code = _get(marks, "credentials", "code")
    if _get(code, "identifier") is True and "via" not in code:
        message = "`via` is missing: Kratos refuses every value of this trait."
        notes.doubt((*at, "credentials", "code"), message, 'Add `"via": "email"` or `"via": "sms"`.', key=True)
    format_ = schema.get("format")
    for way in (("credentials", "code", "via"), ("verification", "via"), ("recovery", "via")):
        if (_get(marks, *way), format_) in (("sms", "email"), ("email", "tel")):
            wanted = "a telephone number" if format_ == "email" else "an e-mail address"
            notes.doubt((*at, *way), f"This wants {wanted}, and `format` is `{format_}`.", "Change one of the two.")
    if _get(marks, "verification", "via") == "sms" and "format" not in schema and "$ref" not in schema:
        message = "`format` is missing: Kratos then refuses every telephone number."
        notes.doubt((*at, "verification", "via"), message, 'Add `"format": "tel"` to the trait.')
    kind = schema.get("type")
    if kind in ("array", "object", "boolean") and any(marks.values()):
        hint = "Move it into `items`." if kind == "array" else "Move it into the property that is meant."
        message = f"This marks {what({'array': [], 'object': {}}.get(kind, True))}, which is no name and no address."
        notes.doubt(at, message, hint if kind != "boolean" else "", key=True)


def _misplaced(notes: Notes, schema: Mapping[str, Any], at: Path) -> None:
    for name, inner in schema.items():
        if name in KEYWORDS or name == EXTENSION or not isinstance(inner, Mapping):
            continue
        if name in TREE:
            hint = f'Put it into `"{EXTENSION}": {{…}}`.'
            notes.doubt((*at, name), f"`{name}` has no effect here.", hint, key=True)
        elif _ALMOST.fullmatch(name) or nearest(name, [EXTENSION], 0.75):
            notes.doubt((*at, name), f"`{name}` has no effect.", f"Did you mean `{EXTENSION}`?", key=True)
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and EXTENSION in properties:
        message = "Among the properties this marks none of them."
        hint = "Move it into the property that is meant, beside its `type`."
        notes.doubt((*at, "properties", EXTENSION), message, hint, key=True)


def _get(data: object, *steps: str) -> Any:
    for step in steps:
        data = data.get(step) if isinstance(data, Mapping) else None
    return data
