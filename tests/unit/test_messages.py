"""Messages: the facts are Kratos', the words are ours."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

from limen.core import messagedoc, messages
from limen.core.messages import CATALOG, Declared, Message, Plural

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)


def sentences(text: str | Plural) -> tuple[str, ...]:
    return (text.one, text.other) if isinstance(text, Plural) else (text,)


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def sample(declared: Declared) -> dict[str, Any]:
    """A value of the right kind for each key."""
    lists = {"allowed_types", "available_credential_types", "available_providers", "available_oidc_providers"}
    numbers = re.compile(r"_unix$|^(min|max|actual)_(length|items)$|^(minimum|maximum|actual|base|breaches|index_.)$")
    values: dict[str, Any] = {}
    for key in declared.keys:
        values[key] = [] if key in lists or key == "secrets" else 3 if numbers.search(key) else f"<{key}>"
    return values


def test_ids_types_and_context_keys_are_those_of_kratos() -> None:
    facts = json.loads((ROOT / "tests/reference/messages.json").read_text("utf-8"))
    own = 9_000_000  # ids of ours begin here
    declared = {str(d.id): {"type": d.type, "context": sorted(d.keys)} for d in CATALOG.values() if d.id < own}
    assert declared == facts


def test_every_id_is_declared_once() -> None:
    names = [name for name, value in vars(messages).items() if isinstance(value, Declared)]
    assert len(names) == len(CATALOG)
    assert all(name.isupper() for name in names)


@pytest.mark.parametrize("declared", CATALOG.values(), ids=lambda declared: str(declared.id))
def test_a_message_survives_being_sent_and_stored(declared: Declared) -> None:
    message = declared(**sample(declared))
    sent = msgspec.json.encode(message)
    assert list(json.loads(sent)) == ["id", "text", "type", *(["context"] if declared.keys else [])]
    assert msgspec.json.decode(sent, type=Message) == message
    assert "{" not in message.text


@pytest.mark.parametrize("declared", CATALOG.values(), ids=lambda declared: str(declared.id))
def test_a_sentence_shows_only_what_its_context_has(declared: Declared) -> None:
    for sentence in sentences(declared.text):
        assert placeholders(sentence) <= known(declared)


def known(declared: Declared) -> set[str]:
    days = {key.removesuffix("_at") + "_on" for key in declared.keys if key.endswith("_at")}
    return {*declared.keys, *days, *({"ways"} if "available_credential_types" in declared.keys else ())}


@pytest.mark.parametrize("values", [{}, {"min_length": 8}, {"min_length": 8, "actual_length": 3, "length": 1}])
def test_other_keys_than_the_declared_ones_are_a_mistake(values: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="message 4000032 takes"):
        messages.PASSWORD_TOO_SHORT(**values)


def test_a_message_without_values_has_no_context() -> None:
    assert json.loads(msgspec.json.encode(messages.CHANGES_SAVED())) == {
        "id": 1050001,
        "text": "Your changes are saved.",
        "type": "success",
    }


def test_values_keep_their_type_and_stand_in_the_text() -> None:
    assert msgspec.to_builtins(messages.PASSWORD_TOO_SHORT(min_length=8, actual_length=3)) == {
        "id": 4000032,
        "text": "Use at least 8 characters: this password has 3.",
        "type": "error",
        "context": {"min_length": 8, "actual_length": 3},
    }
    assert messages.NOT_MULTIPLE(base=0.1, actual=0.13).text == "Use a multiple of 0.1: 0.13 is none."
    assert messages.GENERIC(reason="A {brace} stays.").text == "A {brace} stays."


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (messages.TOO_SHORT(min_length=1, actual_length=0), "Use at least 1 character: there are 0 now."),
        (messages.TOO_FEW_ITEMS(min_items=2, actual_items=1), "Give at least 2 items: there are 1 now."),
        (
            messages.PASSWORD_BREACHED(breaches=1),
            "This password was seen 1 time in leaked data. Choose another one.",
        ),
        (
            messages.PASSWORD_BREACHED(breaches=23_597_311),
            "This password was seen 23,597,311 times in leaked data. Choose another one.",
        ),
        (messages.BELOW_MINIMUM(minimum=1900, actual=12), "Use 1900 or more: 12 is too small."),
        (
            messages.WRONG_TYPE(allowed_types=["integer", "null"], actual_type="string"),
            "This should be a whole number or empty, and it is text.",
        ),
        (messages.SIGN_IN_WITH(provider="github", provider_id="github"), "Sign in with GitHub"),
        (messages.SIGN_IN_WITH(provider="Our club", provider_id="github"), "Sign in with Our club"),
    ],
)
def test_a_sentence_reads_well_with_its_values(message: Message, text: str) -> None:
    assert message.text == text


def test_an_expired_page_says_when_in_its_context() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=2)))
    assert messages.expired(messages.LOGIN_EXPIRED, elsewhere) == Message(
        4010001,
        "This page was open for a while, so here is a fresh one. Sign in now.",
        "error",
        {"expired_at": "2026-03-01T12:00:00.250000Z", "expired_at_unix": 1772366400},
    )


def test_a_recovered_person_knows_how_long_there_is() -> None:
    message = messages.recovered(NOON)
    assert message.text.endswith("by 1 March 2026, 12:00 UTC.")
    assert message.context == {
        "privilegedSessionExpiresAt": "2026-03-01T12:00:00.250000Z",
        "privileged_session_expires_at": "2026-03-01T12:00:00.250000Z",
        "privileged_session_expires_at_unix": 1772366400,
    }


def test_backup_codes_are_a_list_of_messages() -> None:
    message = messages.backup_codes([messages.ONE_BACKUP_CODE(secret="abcd"), messages.backup_code_used(NOON)])
    assert message.text == "abcd, used on 1 March 2026"
    assert message.context["secrets"] == [
        {"id": 1050009, "text": "abcd", "type": "info", "context": {"secret": "abcd"}},
        {
            "id": 1050014,
            "text": "used on 1 March 2026",
            "type": "info",
            "context": {"used_at": "2026-03-01T12:00:00.250000Z", "used_at_unix": 1772366400},
        },
    ]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (messages.remove_security_key("Blue key", NOON), "Remove security key “Blue key”, added on 1 March 2026"),
        (messages.remove_passkey("Phone", NOON), "Remove passkey “Phone”, added on 1 March 2026"),
    ],
)
def test_a_key_is_removed_by_its_name_and_day(message: Message, text: str) -> None:
    assert message.text == text
    assert message.context.keys() == {"display_name", "added_at", "added_at_unix"}


def test_a_raw_label_is_left_alone() -> None:
    assert messages.raw_label("a****{n}@example.org") == Message(1070000, "a****{n}@example.org", "info")


@pytest.mark.parametrize(
    ("types", "providers", "ways"),
    [
        (["password", "oidc"], ["google", "club"], "with your password or with Google or with club"),
        (["oidc"], [], "with the account you signed up with"),
        (["something_new"], [], "the way you usually do"),
        ([], [], "the way you usually do"),
    ],
)
def test_a_taken_identifier_says_how_its_owner_signs_in(types: list[str], providers: list[str], ways: str) -> None:
    assert messages.account_exists("ann@example.org", types, providers) == Message(
        4000028,
        f"“ann@example.org” belongs to an account that exists already. Sign in to it {ways}.",
        "error",
        {
            "available_credential_types": types,
            "available_oidc_providers": providers,
            "credential_identifier_hint": "ann@example.org",
        },
    )


def test_linking_sends_no_empty_texts_but_its_lists() -> None:
    message = messages.sign_in_to_link("ann@example.org", "generic", "")
    assert message.context == {
        "duplicateIdentifier": "ann@example.org",
        "duplicate_identifier": "ann@example.org",
        "provider": "generic",
        "available_credential_types": [],
        "available_providers": [],
    }


def test_the_reference_page_is_up_to_date() -> None:
    page = (ROOT / "docs/reference/messages.md").read_text("utf-8")
    assert page == messagedoc.markdown(), "run: python -m limen.core.messagedoc > docs/reference/messages.md"
