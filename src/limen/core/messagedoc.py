"""Writes docs/reference/messages.md: `python -m limen.core.messagedoc > docs/reference/messages.md`."""

import sys
from typing import Final

from limen.core.catalogue import catalogue
from limen.core.messages import CATALOG, RAW_LABEL, Declared, Plural

_SECTIONS: Final = {
    101: "Login",
    102: "Logout",
    103: "Second factors",
    104: "Registration",
    105: "Settings",
    106: "Recovery",
    107: "Labels",
    108: "Verification",
    400: "What can be mended in a form",
    401: "Login did not work",
    404: "Registration did not work",
    405: "Settings did not work",
    406: "Recovery did not work",
    407: "Verification did not work",
    500: "The server did not work",
    901: "Beyond Kratos",
    904: "Beyond Kratos: what did not work",
}

_HEAD: Final = """\
# Messages

At the end of this page you know every message a user interface may get, to show it in your own words or language.

Each has an `id`, a `type`, a `text`, and a `context` with the values the text was made from; a message without values
has no `context`. Ids, types and context keys are those of Ory Kratos, but for
those from 9000000 on, which Kratos does not have. The texts are Limen's and change: go by the id.

A name in braces is a value of the context. `{…_on}` is the day of the time `…_at`; `{ways}` lists the ways to sign in
that the context names. Where there are two sentences, the number decides: the first is for one."""


def markdown() -> str:
    """The page, with every declared message in the order of ids."""
    lines = [_HEAD]
    section = 0
    for id_, declared in sorted(CATALOG.items()):
        if id_ // 10_000 != section:
            section = id_ // 10_000
            lines += [f"\n## {_SECTIONS[section]}\n", "| id | type | English | German | context |", "|" + "---|" * 5]
        lines.append(_row(declared))
    return "\n".join(lines) + "\n"


def _row(declared: Declared) -> str:
    if declared is RAW_LABEL:
        english = german = "*the text is data*"
    else:
        english, german = _cell(declared.text), _cell(catalogue("de").messages[declared.id])
    keys = ", ".join(f"`{key}`" for key in declared.keys)
    return f"| {declared.id} | {declared.type} | {english} | {german} | {keys} |"


def _cell(sentence: str | Plural) -> str:
    forms = (sentence.one, sentence.other) if isinstance(sentence, Plural) else (sentence,)
    return "<br>".join(forms).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(markdown())
