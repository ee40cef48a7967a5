"""What people read, in their language: messages by id, the words of the hosted pages by key, and which language it is.

The sentences are in `locales/<language>.toml`; the English messages are in `messages`.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import msgspec

from limen.core import reasons
from limen.core.messages import CATALOG, ENGLISH, Message, Plural, Style, render

LANGUAGES: Final = ("en", "de")  # the first is the default

_LOCALES: Final = Path(__file__).parent.parent / "locales"


class Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one language says. Page strings are under their whole key: `page.login.title`."""

    style: Style
    messages: dict[int, str | Plural]
    reasons: dict[str, str]  # what the generic message and errors say, by the keys of `reasons`
    pages: dict[str, str | Plural]


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of one of LANGUAGES, read once; of any other language, the default one."""
    if language not in LANGUAGES:
        return catalogue(LANGUAGES[0])
    tables = tomllib.loads((_LOCALES / f"{language}.toml").read_text("utf-8"))
    whole = {"style": ENGLISH, "messages": {}, "reasons": {}, **tables, "pages": _flat(tables["pages"])}
    return msgspec.convert(whole, Catalogue, str_keys=True)


def translate(message: Message, language: str) -> str:
    """The message in `language`; its own text where that is English, or where the words are not ours."""
    chosen = catalogue(language)
    sentence = chosen.messages.get(message.id)
    declared = CATALOG.get(message.id)
    if sentence is None or declared is None:
        return message.text
    try:
        # A web hook may use an id of ours for a sentence of its own, which must not be lost.
        if render(declared.text, message.context) != message.text:
            return message.text
        return render(sentence, _translated(message.context, language), chosen.style)
    except (LookupError, TypeError, ValueError, msgspec.ValidationError):  # the context of such a sentence
        return message.text


def reason(sentence: str, language: str) -> str:
    """The sentence in `language`; as it is where it is English, or not ours."""
    known = reasons.recognise(sentence)
    words = catalogue(language).reasons.get(known.reason.key) if known else None
    return words.format(**known.values) if known and words else sentence


def text(key: str, language: str, **values: Any) -> str:
    """A page string, such as `page.login.title`. A `datetime` among the values is written as the language does."""
    chosen = catalogue(language)
    return render(chosen.pages[key], values, chosen.style)


def moment(when: datetime, language: str) -> str:
    """Day and time in UTC, in words."""
    return render("{when}", {"when": when}, catalogue(language).style)


def pick_language(accept_language: str | None, offered: Sequence[str]) -> str:
    """The language of `offered` that suits best (RFC 9110 §12.5.4, lookup of RFC 4647 §3.4); the first if none does.

    What the header says wrongly is skipped. Of two ranges with the same weight the earlier counts.
    """
    weights = _weights(accept_language or "")
    welcome = [language for language in offered if not _is_refused(language.lower(), weights)]
    for wanted in sorted((range_ for range_, weight in weights.items() if weight), key=lambda range_: -weights[range_]):
        if suiting := [language for language in welcome if _suits(language.lower(), wanted, weights)]:
            return max(suiting, key=partial(_closeness, wanted))
    return offered[0]


# language-range [ weight ], of RFC 9110 §12.4.2 and RFC 4647 §2.1
_RANGE: Final = re.compile(
    r"\s*(\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*)\s*(?:;\s*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?", re.IGNORECASE
)


def _weights(header: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for element in header.split(","):
        if match := _RANGE.fullmatch(element):
            weights.setdefault(match[1].lower(), float(match[2] or 1))
    return weights


def _is_refused(tag: str, weights: Mapping[str, float]) -> bool:
    """`de;q=0` refuses de-AT too, unless that is named itself."""
    if tag in weights:
        return weights[tag] == 0
    return any(weight == 0 and _is_under(tag, range_) for range_, weight in weights.items())


def _suits(tag: str, wanted: str, weights: Mapping[str, float]) -> bool:
    if wanted == "*":  # whatever no other range speaks of
        return not any(_is_under(tag, other) or _is_under(other, tag) for other in weights if other != "*")
    return _is_under(tag, wanted) or _is_under(wanted, tag)  # "de" is served by de-AT, and "de-CH" by de


def _closeness(wanted: str, language: str) -> tuple[bool, int]:
    """Itself first, then the longest of what it is under: zh-Hant before zh for "zh-Hant-TW"."""
    tag = language.lower()
    return tag == wanted, len(tag) if _is_under(wanted, tag) else 0


def _is_under(tag: str, range_: str) -> bool:
    return tag == range_ or tag.startswith(f"{range_}-")


def _translated(context: Mapping[str, Any], language: str) -> Mapping[str, Any]:
    """Some messages have others inside: a reason, or the list of backup codes."""
    if isinstance(said := context.get("reason"), str):
        return {**context, "reason": reason(said, language)}
    if "secrets" not in context:
        return context
    inner = msgspec.convert(context["secrets"], list[Message])
    return {**context, "secrets": [{"text": translate(message, language)} for message in inner]}


def _flat(table: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping) and "by" not in value:
            flat |= _flat(value, f"{above}{key}.")
        else:
            flat[above + key] = value
    return flat
