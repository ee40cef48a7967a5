"""Patterns of identity schemas: whether they can be read, and what to write instead."""

import re
import warnings
from typing import Final

import jsonschema_rs

from limen.core.configvalues import Wrong

_MOST: Final = 1000  # repetitions, in Kratos
_ESCAPED: Final = r"(?<!\\)(?:\\\\)*"  # an even number of backslashes before: what follows is not escaped
_NOT_IN_GO: Final = _ESCAPED + r"\\([uck])"
_REPEATED: Final = _ESCAPED + r"\{(\d+)(?:,(\d*))?\}"
# The first two could take forever on a crafted value, and Kratos refuses them too. The rest is Go's spelling, which
# Kratos takes; what checks our patterns knows only that of JSON Schema.
_OTHERWISE: Final = (
    (
        r"\(\?<?[=!]",
        "A pattern cannot look ahead or behind.",
        "Write several patterns, one in each map of an `allOf`.",
    ),
    (r"\\[1-9]", "A pattern cannot refer to what a group has found.", "Write it out, without the backslash."),
    (
        r"\(\?[imsUx-]+\)",
        "Flags such as `(?i)` cannot stand alone here.",
        "Put what they are for behind a colon: `(?i:…)`",
    ),
    (r"\(\?P<", "Groups cannot be named with `?P`.", "Write `(?<name>…)`, or just `(…)`."),
    (r"\\[AzZ]", "The text's beginning and end are written otherwise here.", "Write `^` and `$`."),
    (r"\[\[?:\w+:\]", "Names of classes such as `[:alpha:]` cannot be read here.", "Write `[A-Za-z]`"),
    (r"\\[pP](?!\{)", "A class needs braces.", r"Write it like `\p{L}`."),
    (r"\\[QE]", r"`\Q` and `\E` cannot be read here.", "Put a backslash before each sign instead."),
    (r"\[[^\]]*\\[wWdDsS]-[^\]]", "The hyphen stands where a range cannot be.", r"Write it last: `[\w.-]`"),
)
_STRAY: Final = "A brace or bracket that stands for itself needs a backslash."
_SAYS: Final = {  # how Python puts it → what it usually means
    "missing )": ("A parenthesis is never closed.", r"Add the `)`, or write `\\(` for one that stands for itself."),
    "unbalanced parenthesis": (
        "A parenthesis is closed that was never opened.",
        r"Write `\\)` for one that stands for itself.",
    ),
    "unterminated character set": ("A `[` is never closed.", r"Add the `]`, or write `\\[` for one that stands for itself."),
    "nothing to repeat": ("There is nothing to repeat.", r"Write `\\*`, `\\+` or `\\?` for one that stands for itself."),
    "multiple repeat": ("Something is repeated twice.", "Remove one of the signs."),
    "bad character range": ("A range goes backwards.", r"Put the smaller one first, or the hyphen last."),
    "bad escape": ("A backslash begins an escape that does not exist.", "In JSON a backslash is written twice."),
}  # fmt: skip


def wrong(pattern: str) -> Wrong | None:
    """What is wrong with a pattern that Kratos would refuse at its start, or that cannot be read here."""
    readable = _readable(pattern)
    if found := re.search(_NOT_IN_GO, pattern) if readable else None:
        return Wrong(rf"Kratos knows no `\{found[1]}`.", "Write the character itself.")
    for found in re.finditer(_REPEATED, pattern) if readable else ():
        if any(int(number) > _MOST for number in found.groups() if number):
            return Wrong(f"More than {_MOST:,} repetitions are too many.", "Write `minLength` and `maxLength`.")
    if readable:
        return None
    for form, message, hint in _OTHERWISE:
        if re.search(_ESCAPED + form, pattern):
            return Wrong(message, hint)
    return _explained(pattern)


def _readable(pattern: str) -> bool:
    try:
        jsonschema_rs.Draft7Validator({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
    except ValueError:
        return False
    return True


def _explained(pattern: str) -> Wrong:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except re.error as error:
        message, hint = next(
            (says for part, says in _SAYS.items() if part in error.msg), (f"This is no pattern: {error.msg}.", "")
        )
        where = f" (character {error.pos + 1})" if error.pos is not None else ""
        return Wrong(message.removesuffix(".") + where + ".", hint)
    except (RecursionError, OverflowError):
        return Wrong("This pattern is nested too deeply.")
    if re.search(r"[{}\]]", pattern):
        return Wrong(_STRAY, r"Write `\\{`, `\\}` or `\\]`.")
    return Wrong("This is no pattern that can be read.")
