"""The catalogue: every sentence in every language, and which language it is."""

import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from tests.support.effort import calls

from limen.core import messages, reasons
from limen.core.catalogue import LANGUAGES, catalogue, moment, pick_language, text, translate
from limen.core.messages import CATALOG, ENGLISH, Message, Plural

NOON = datetime(2026, 3, 1, 13, 0, tzinfo=timezone(timedelta(hours=1)))
INTERNAL = re.compile(
    r"\b(flow|aal\d?|csrf|strategy|strategies|credential|identity|identifier|node|trait|schema|payload|token|totp|oidc"
    r"|webauthn|lookup|session|strategien?|schemata|knoten|sitzung)s?\b",
    re.IGNORECASE,
)


def sentences(words: str | Plural) -> tuple[str, ...]:
    return (words.one, words.other) if isinstance(words, Plural) else (words,)


def placeholders(words: str | Plural) -> set[str]:
    """What a sentence shows; both forms of a plural show the same, unless the one form says it in a word."""
    return set(re.findall(r"\{(\w+)\}", sentences(words)[-1]))


def said(language: str) -> list[tuple[object, str | Plural]]:
    """Everything a language says."""
    own = {id_: declared.text for id_, declared in CATALOG.items() if declared is not messages.RAW_LABEL}
    words = catalogue(language)
    sentences_ = {key: one.text for key, one in reasons.CATALOG.items()} if language == "en" else words.reasons
    return [*(own if language == "en" else words.messages).items(), *words.pages.items(), *sentences_.items()]


OTHERS = [language for language in LANGUAGES if language != "en"]


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_has_a_sentence_with_the_same_values(language: str) -> None:
    own = {id_: declared for id_, declared in CATALOG.items() if declared is not messages.RAW_LABEL}
    translated = catalogue(language).messages
    assert translated.keys() == own.keys()
    for id_, declared in own.items():
        assert placeholders(translated[id_]) == placeholders(declared.text), id_
        for sentence in sentences(translated[id_]):
            assert set(re.findall(r"\{(\w+)\}", sentence)) <= placeholders(declared.text), id_


@pytest.mark.parametrize("language", OTHERS)
def test_every_page_string_is_in_every_language(language: str) -> None:
    english, other = catalogue("en").pages, catalogue(language).pages
    assert other.keys() == english.keys()
    for key, words in english.items():
        assert placeholders(other[key]) == placeholders(words), key


@pytest.mark.parametrize("language", OTHERS)
def test_every_reason_is_in_every_language(language: str) -> None:
    other = catalogue(language).reasons
    assert other.keys() == reasons.CATALOG.keys()
    for key, reason in reasons.CATALOG.items():
        assert placeholders(other[key]) == placeholders(reason.text), key


@pytest.mark.parametrize("key", reasons.CATALOG)
def test_a_reason_is_known_again_with_its_values(key: str) -> None:
    declared = reasons.CATALOG[key]
    values = {name: f"a {{{name}}} (so called).\nIt is" for name in placeholders(declared.text)}
    known = reasons.recognise(declared(**values))
    assert known == (declared, values)
    assert declared.page == "" or f"state.{declared.page}.title" in catalogue("en").pages


def test_a_reason_is_said_in_the_language_of_the_visitor_and_a_strange_one_as_it_is() -> None:
    last = messages.GENERIC(reason=reasons.LINK_LAST())
    assert translate(last, "de") == "Das ist der letzte Weg in dieses Konto. Richten Sie zuerst einen anderen ein."
    assert translate(last, "en") == reasons.LINK_LAST()
    named = messages.GENERIC(reason=reasons.PROVIDER_SILENT(name="Acme"))
    assert translate(named, "de") == "Acme hat Sie ohne Antwort zurückgeschickt. Versuchen Sie es noch einmal."
    assert translate(messages.GENERIC(reason="A web hook's own words."), "de") == "A web hook's own words."


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_names_all_that_english_names(language: str) -> None:
    style = catalogue(language).style
    assert style.kinds.keys() == ENGLISH.kinds.keys()
    assert style.ways.keys() == ENGLISH.ways.keys()
    assert len(style.months) == 12


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_are_kind_and_plain(language: str) -> None:
    for key, sentence in said(language):
        for form in sentences(sentence):
            assert form.strip() == form != "", key
            assert "!" not in form, key
            assert not INTERNAL.search(re.sub(r"\{\w+\}", "", form)), key
            assert not re.search(r"\b(du|dein|deine|dich|dir|bitte|please)\b", form, re.IGNORECASE), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_decider_stands_in_its_sentence(language: str) -> None:
    for key, sentence in said(language):
        if isinstance(sentence, Plural):
            assert f"{{{sentence.by}}}" in sentence.other, key


@pytest.mark.parametrize(
    ("message", "german"),
    [
        (messages.CHANGES_SAVED(), "Ihre Änderungen sind gespeichert."),
        (
            messages.PASSWORD_TOO_SHORT(min_length=8, actual_length=1),
            "Es sind mindestens 8 Zeichen nötig, dieses Passwort hat 1.",
        ),
        (
            messages.TOO_FEW_ITEMS(min_items=1, actual_items=0),
            "Es ist mindestens 1 Eintrag nötig, jetzt sind es 0.",
        ),
        (
            messages.TOO_FEW_ITEMS(min_items=2, actual_items=0),
            "Es sind mindestens 2 Einträge nötig, jetzt sind es 0.",
        ),
        (
            messages.PASSWORD_BREACHED(breaches=23_597_311),
            "Dieses Passwort kam 23.597.311-mal in gestohlenen Daten vor. Wählen Sie ein anderes.",
        ),
        (messages.NOT_MULTIPLE(base=0.1, actual=0.13), "Der Wert muss ein Vielfaches von 0,1 sein: 0,13 ist keines."),
        (
            messages.WRONG_TYPE(allowed_types=["string"], actual_type="number"),
            "Hier wird Text erwartet, es ist aber eine Zahl.",
        ),
        (messages.SIGN_IN_WITH(provider="google", provider_id="google"), "Mit Google anmelden"),
        (
            messages.backup_codes([messages.ONE_BACKUP_CODE(secret="abcd"), messages.backup_code_used(NOON)]),
            "abcd, verwendet am 1. März 2026",
        ),
        (
            messages.recovered(NOON),
            "Sie sind wieder in Ihrem Konto. Bis 1. März 2026, 12:00 Uhr (UTC) können Sie ein neues Passwort oder "
            "einen anderen Anmeldeweg festlegen.",
        ),
        (
            messages.sign_in_to_link("ann@example.org", "github", "https://x.test", ["password"], []),
            "„ann@example.org“ gehört schon zu einem Konto. Melden Sie sich dort mit dem Passwort an; danach öffnet "
            "auch GitHub dieses Konto.",
        ),
        (messages.TRAIT_TITLE(title="Your name", name="traits.name"), "Your name"),
    ],
    ids=lambda value: str(value.id) if isinstance(value, Message) else "",
)
def test_a_message_is_said_in_german(message: Message, german: str) -> None:
    assert translate(message, "de") == german
    assert translate(message, "en") == message.text


@pytest.mark.parametrize(
    "message",
    [
        Message(99, "Not one of ours", "error"),
        Message(4000007, "A web hook says: taken.", "error"),
        Message(4000032, "Use at least 8 characters: this password has 3.", "error"),
        Message(4000028, "Odd", "error", {"available_credential_types": 5}),
        messages.raw_label("a****@example.org"),
        messages.sign_in_to_link("", "github", ""),
    ],
    ids=["unknown", "of a hook", "without its context", "with a wrong context", "raw label", "incomplete"],
)
def test_words_that_are_not_ours_stay(message: Message) -> None:
    assert translate(message, "de") == message.text


def test_an_unknown_language_is_answered_in_the_default_one() -> None:
    assert translate(messages.CHANGES_SAVED(), "xx") == "Your changes are saved."
    assert text("page.login.title", "../../etc/passwd") == "Sign in"


@pytest.mark.parametrize(
    ("key", "values", "english", "german"),
    [
        ("page.login.title", {}, "Sign in", "Anmelden"),
        ("page.session.signed_in_as", {"name": "{Ann}"}, "Signed in as {Ann}", "Angemeldet als {Ann}"),
        ("state.rate_limited.minutes", {"minutes": 1}, "Try again in 1 minute.", "Weiter geht es in 1 Minute."),
        ("state.rate_limited.minutes", {"minutes": 5}, "Try again in 5 minutes.", "Weiter geht es in 5 Minuten."),
        ("time.days_ago", {"days": 1}, "yesterday", "gestern"),
        ("time.days_ago", {"days": 12_000}, "12,000 days ago", "vor 12.000 Tagen"),
    ],
)
def test_a_page_string_has_its_values(key: str, values: dict[str, Any], english: str, german: str) -> None:
    assert text(key, "en", **values) == english
    assert text(key, "de", **values) == german


def test_a_page_string_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        text("page.login.tilte", "en")


@pytest.mark.parametrize("situation", ["first", "refresh", "identify", "identified", "second", "second_refresh"])
def test_every_situation_of_a_login_has_its_title(situation: str) -> None:
    assert text(f"page.login.{situation}.title", "en")


def test_a_moment_is_written_as_the_language_does() -> None:
    assert moment(NOON, "en") == "1 March 2026, 12:00 UTC"
    assert moment(NOON, "de") == "1. März 2026, 12:00 Uhr (UTC)"


@pytest.mark.parametrize(
    ("header", "offered", "picked"),
    [
        (None, ["en", "de"], "en"),
        ("", ["en", "de"], "en"),
        ("de", ["en", "de"], "de"),
        ("DE-de", ["en", "de"], "de"),
        ("de-CH, de;q=0.9, en;q=0.8", ["en", "de"], "de"),
        ("fr, en;q=0.2, de;q=0.7", ["en", "de"], "de"),
        ("fr", ["en", "de"], "en"),
        ("de, en", ["en", "de"], "de"),  # same weight: the earlier
        ("de;q=0.5,en;q=0.500", ["en", "de"], "de"),
        ("de ; q=0.1 , en ; q=0.2", ["de", "en"], "en"),
        ("*", ["en", "de"], "en"),
        ("de;q=0.5, *;q=0.8", ["de", "en"], "en"),  # * is what no other range names
        ("en;q=0, *", ["en", "de"], "de"),
        ("en;q=0", ["en", "de"], "en"),  # nothing suits: the default
        ("de-CH;q=0, de", ["en", "de"], "de"),
        ("de;q=0, de-AT, en;q=0.1", ["en", "de-AT"], "de-AT"),
        ("de;q=0, *", ["de-AT", "en"], "en"),
        ("de", ["en", "de-AT"], "de-AT"),
        ("zh-Hant-TW", ["en", "zh", "zh-Hant"], "zh-Hant"),
        ("de", ["de-AT", "de"], "de"),
        ("deu", ["en", "de"], "en"),  # another tag, although it begins alike
        ("de;q=2, en", ["fr", "de", "en"], "en"),  # what is not a weight is skipped
        ("de;q=-1, ;;, =, en;q=0.1", ["de", "en"], "en"),
        ("de;level=1, en", ["de", "en"], "en"),
        ("de;Q=0.9, en;q=0.8", ["en", "de"], "de"),
    ],
)
def test_the_language_is_what_the_header_likes_best(header: str | None, offered: list[str], picked: str) -> None:
    assert pick_language(header, offered) == picked


def test_reading_a_catalogue_is_little_work() -> None:
    def read() -> None:
        catalogue.cache_clear()
        catalogue("de")

    read()
    assert calls(read) < 25_000
