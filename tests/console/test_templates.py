"""Templates of messages: saved only without a mistake, in force at once and everywhere, and always with a way back."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from limen.core import clock
from limen.courier import kinds, saved
from limen.courier.saved import Saved
from limen.db.database import ProjectDatabase
from limen.settings import data_source
from tests.conftest import Start, new_dsn
from tests.courier.conftest import VERIFYING, MailServer
from tests.support import mail
from tests.support.callers import Caller
from tests.support.console import Console, at_database, operator
from tests.support.process import PROGRAM, configured, environment, limen, until
from tests.support.server import PATIENCE, PERSON, LiveServer, merge

ANN, OWNER = "ann@example.org", "owner@example.org"
PLACE, CODE = "api/auth/email-templates", "api/auth/email-templates/verification_code_valid"
RECOVERY = {"selfservice": {"flows": {"recovery": {"enabled": True}}}}
SUBJECT = "{{ .ApplicationName }}: your code is {{ .VerificationCode }}"
HTML = "<p>Dear {{ .Identity.traits.email }},</p><p><b>{{ .VerificationCode }}</b></p>"


@pytest.fixture
def mails() -> Iterator[MailServer]:
    found = MailServer()
    yield found
    found.close()


@pytest.fixture
def over(mails: MailServer) -> dict[str, Any]:
    """Mails go out to a mail server, with a name in them."""
    return merge(merge(mails.config, RECOVERY), {"limen": {"branding": {"name": "Acme"}}})


def html_of(found: Any) -> str:
    return str(found.get_body(("html",)).get_content()).strip()


def text_of(found: Any) -> str:
    return str(found.get_body(("plain",)).get_content()).strip()


def put(console: Console, body: dict[str, Any], place: str = CODE) -> Any:
    return console.ask("PUT", place, body)


def actions(console: Console) -> list[str]:
    logs = console.get("api/auth/audit-logs")["logs"]
    return [one["action"] for one in logs if one["action"].startswith("auth.template")]


def recover(server: LiveServer, address: str, language: str = "") -> None:
    caller = Caller(server, "app")
    caller.http.headers["accept-language"] = language
    caller.submit(caller.start("recovery"), method="code", email=address)


# --- what is sent -------------------------------------------------------------------------------------------------------


def test_a_saved_template_is_what_arrives(start: Start, over: dict[str, Any], mails: MailServer) -> None:
    server = start(over, watch_courier=True)
    owner = operator(server, "owner")
    saved_ = put(owner, {"subject": SUBJECT, "body_html": HTML})
    assert (owner.status, saved_["version"], saved_["warnings"]) == (200, 1, [])
    assert saved_["origins"] == {
        "subject": "saved", "body_html": "saved", "body_text": "built_in", "body_sms": "built_in",
    }  # fmt: skip
    Caller(server, "app").sign_up(ANN)
    arrived = mails.wait(ANN)
    code = arrived["Subject"].removeprefix("Acme: your code is ")
    assert html_of(arrived) == f"<p>Dear {ANN},</p><p><b>{code}</b></p>"
    assert "Enter this code" in text_of(arrived)
    assert code in text_of(arrived)
    owner.ask("DELETE", CODE)
    assert owner.status == 204
    Caller(server, "app").sign_up("ben@example.org")
    assert mails.wait("ben@example.org")["Subject"].startswith("Confirm your address")


def test_a_language_has_its_own_or_what_is_for_all(start: Start, over: dict[str, Any], mails: MailServer) -> None:
    schema = merge(PERSON, {"properties": {"traits": {"properties": {"locale": {"type": "string"}}}}})
    server = start(over, schema=schema, watch_courier=True)
    owner, place = operator(server, "owner"), f"{PLACE}/recovery_code_valid"
    put(owner, {"subject": "Code {{ .Language }} {{ .RecoveryCode }}", "body_html": "all {{ .RecoveryCode }}"}, place)
    german = put(owner, {"language": "de", "subject": "Ihr Code: {{ .RecoveryCode }}"}, place)
    assert german["languages"] == ["", "de"]
    assert german["body_html"] == "all {{ .RecoveryCode }}"
    for address, locale in ((ANN, "de"), ("ben@example.org", "en")):
        Caller(server, "app").sign_up(address, locale=locale)
        mails.wait(address)
        mails.mails.clear()
        recover(server, address)
        arrived = mails.wait(address)
        assert arrived["Subject"].startswith("Ihr Code: " if locale == "de" else "Code en ")
        assert html_of(arrived).startswith("all ")
        assert ("Konto" in text_of(arrived)) == (locale == "de"), "what is not saved is in our words, in the language"
    put(owner, {"language": "fr", "subject": "x"}, place)
    assert (owner.status, owner.last.json()["error"]["reason"]) == (400, "language: one of en, de.")


def test_beneath_are_the_configuration_and_our_own_words(
    start: Start, over: dict[str, Any], mails: MailServer, tmp_path: Path
) -> None:
    folder = tmp_path / "mails/verification_code/valid"
    folder.mkdir(parents=True)
    (folder / "email.subject.gotmpl").write_text("Configured {{ .VerificationCode }}")
    (folder / "email.body.plaintext.gotmpl").write_text("Configured text {{ .ApplicationName }}")
    server = start(merge(over, {"courier": {"template_override_path": str(tmp_path / "mails")}}), watch_courier=True)
    owner = operator(server, "owner")
    found = owner.get(CODE)
    assert (found["subject"], found["origins"]["subject"]) == ("Configured {{ .VerificationCode }}", "configuration")
    put(owner, {"subject": "Saved {{ .VerificationCode }}"})
    Caller(server, "app").sign_up(ANN)
    arrived = mails.wait(ANN)
    assert arrived["Subject"].startswith("Saved ")
    assert text_of(arrived) == "Configured text Acme"
    assert "<html" in html_of(arrived)


def test_94_what_a_person_writes_is_neither_template_nor_markup(
    start: Start, over: dict[str, Any], mails: MailServer
) -> None:
    server = start(over, watch_courier=True)
    owner = operator(server, "owner")
    put(owner, {
        "subject": "For {{ .Identity.traits.name }}",
        "body_html": '<a title="{{ .Identity.traits.name }}" href="{{ .Identity.traits.name }}">{{ .VerificationCode }}</a>',
        "body_text": "{{ .Identity.traits.name }} {{ .VerificationCode }}",
    })  # fmt: skip
    name = 'javascript:"><b>\r\nBcc: eve@example.net {{ .VerificationCode }}'
    Caller(server, "app").sign_up(ANN, name=name)
    arrived = mails.wait(ANN)
    assert "{{ .VerificationCode }}" in text_of(arrived)
    assert arrived["Subject"].startswith("For javascript:")
    assert arrived["Bcc"] is None
    assert mails.envelopes[-1][1] == [ANN]
    assert "<b>" not in html_of(arrived)
    assert 'href="#ZgotmplZ"' in html_of(arrived)


def test_a_template_that_fails_for_somebody_gives_way_to_the_default_and_tells_no_code(
    start: Start, over: dict[str, Any], mails: MailServer, capfd: pytest.CaptureFixture[str]
) -> None:
    server = start(over, watch_courier=True)
    failing = '{{ if eq .To "ben@example.org" }}{{ fail .VerificationCode }}{{ end }}Hello'
    put(operator(server, "owner"), {"subject": failing})
    Caller(server, "app").sign_up("ben@example.org")
    subject = str(mails.wait("ben@example.org")["Subject"])
    assert subject.startswith("Confirm your address: ")
    [logged] = [line for line in capfd.readouterr().out.splitlines() if "part=subject" in line]
    assert "template=verification_code_valid" in logged
    assert subject[-6:] not in logged
    Caller(server, "app").sign_up("cid@example.org")
    assert mails.wait("cid@example.org")["Subject"] == "Hello"


def test_88_nobody_with_fewer_rights_writes_to_an_operator(
    start: Start, over: dict[str, Any], mails: MailServer
) -> None:
    server, place = start(over, watch_courier=True), f"{PLACE}/recovery_code_valid"
    owner, developer = operator(server, "owner"), operator(server, "developer")
    Caller(server, "app").sign_up(ANN)
    lure = {"body_html": '<img src="https://elsewhere.example.net/?{{ .RecoveryCode }}">'}
    put(developer, lure, place)
    for address in (ANN, OWNER, "developer@example.org"):
        mails.wait(address)

    def arrives(address: str) -> str:
        mails.mails.clear()
        recover(server, address)
        return html_of(mails.wait(address))

    assert "elsewhere.example.net" in arrives(ANN)
    assert "elsewhere.example.net" in arrives("developer@example.org"), "among equals nothing is gained"
    assert "elsewhere.example.net" not in arrives(OWNER)
    assert put(owner, lure, place)["version"] == 2
    assert "elsewhere.example.net" in arrives(OWNER), "an owner stands for it now"


def test_every_node_has_it_at_once_also_a_courier_of_its_own(
    database: str, start: Start, over: dict[str, Any], mails: MailServer, tmp_path: Path
) -> None:
    dsn = new_dsn(database, tmp_path)
    file = configured(tmp_path, dsn, over)
    server = start(merge(over, {"dsn": dsn}))
    with (tmp_path / "courier.txt").open("wb") as out:
        courier = subprocess.Popen(
            [*PROGRAM, "courier", "watch", "-c", file], cwd=tmp_path, env=environment(), stdout=out, stderr=out
        )
        try:
            Caller(server, "app").sign_up("before@example.org")
            assert mails.wait("before@example.org")["Subject"].startswith("Confirm")
            put(operator(server, "owner"), {"subject": SUBJECT})
            Caller(server, "app").sign_up(ANN)
            assert mails.wait(ANN)["Subject"].startswith("Acme: your code is ")
        finally:
            courier.terminate()
            courier.wait(PATIENCE)


def test_a_text_message_has_its_part(start: Start) -> None:
    schema = merge(PERSON, {"properties": {"traits": {"properties": {"phone": {
        "type": "string", "format": "tel", "ory.sh/kratos": {"verification": {"via": "sms"}},
    }}}}})  # fmt: skip
    server = start(VERIFYING, schema=schema, watch_courier=True)
    owner = operator(server, "owner")
    put(owner, {"body_sms": "Acme {{ .VerificationCode }}"})
    assert owner.status == 200
    Caller(server, "app").sign_up(ANN, phone="+12025550143")
    other = Caller(server, "app")
    other.submit(other.start("verification"), method="code", email="+12025550143")
    sent = until(lambda: mail.messages(server, "+12025550143"))
    assert sent[0]["body"].startswith("Acme ")


# --- what is refused ----------------------------------------------------------------------------------------------------


def test_all_mistakes_are_told_with_their_places_and_nothing_is_saved(owner: Console) -> None:
    put(owner, {"subject": SUBJECT})
    body = put(owner, {"templates": {
        "verification_code_valid": {
            "subject": "{{ .VerificationCod }} {{ nope 1 }}",
            "body_html": "<p>\n{{ if .To }}{{ .Foo }}",
            "body_text": "{{ range .To }}{{ .x }}{{ end }}\n{{ if not .To }}{{ .Never }}{{ end }}",
        },
        "invitation": {"subject": "{{ .VerificationURL }}", "body_html": "fine"},
        "login_valid": {"subject": "fine"},
    }}, PLACE)  # fmt: skip
    assert owner.status == 400
    told = [
        (m["template"], m["part"], m["line"], m["column"], m["message"]) for m in body["error"]["details"]["mistakes"]
    ]
    assert [one[:4] for one in told] == [
        ("verification_code_valid", "subject", 1, 4), ("verification_code_valid", "subject", 1, 27),
        ("verification_code_valid", "body_html", 2, 16), ("verification_code_valid", "body_html", 2, 23),
        ("verification_code_valid", "body_text", 1, 10), ("verification_code_valid", "body_text", 2, 20),
        ("invitation", "subject", 1, 4),
    ]  # fmt: skip
    messages = [one[4] for one in told]
    assert messages[0] == "there is no .VerificationCod here; is it .VerificationCode?"
    assert messages[1] == "there is no function nope"
    assert "lacks its {{ end }}" in messages[3]
    assert messages[6] == (
        "there is no .VerificationURL here; there are .ApplicationName, .ExpiresInMinutes, .InvitationURL, .Language, .To"
    )
    assert "line 1, column 4" in body["error"]["reason"]
    listed = {one["id"]: one for one in owner.get(PLACE)["templates"]}
    assert listed["verification_code_valid"]["subject"] == SUBJECT
    assert listed["login_valid"]["version"] == 0
    assert actions(owner) == ["auth.template.update"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"subject": "  "}, "it is empty"),
        ({"subject": "{{ if not .To }}x{{ end }}"}, "what it makes is empty"),
        ({"body_html": "<a href='{{ .To }}"}, "lacks its end"),
        ({"body_text": "{{ .To.__class__ }}"}, "no field __class__"),
        ({"body_text": '{{ env "HOME" }}'}, "no function env"),
        ({"body_text": "x" * 100_001}, "more than 100000 characters"),
        ({"body_text": "a\u0000b"}, "U+0000"),
        ({"body_text": "{{ range until 10000 }}{{ repeat 9999 $.To }}{{ end }}"}, "it makes too much"),
        ({"body_text": "{{ .Identity.metadata_public.plan }}"}, "may be missing"),
        ({"subject": 1}, "subject"),
        ({"body": "x"}, "body"),
        ({}, "DELETE"),
        ({"subject": "{{ .To }}", "version": 7}, "version 7"),
    ],
)
def test_what_does_not_work_is_not_saved(owner: Console, body: dict[str, Any], told: str) -> None:
    found = put(owner, body)
    assert owner.status in (400, 409)
    assert told in found["error"]["reason"]
    assert owner.get(f"{CODE}/versions") == {"versions": []}


def test_what_would_never_end_is_stopped_and_the_next_one_works(owner: Console) -> None:
    chain = "".join(
        f'{{{{ define "{name}" }}}}{{{{ template "{following}" . }}}}{{{{ template "{following}" . }}}}{{{{ end }}}}'
        for name, following in zip("abcdefghijklmnopqrstuvwxy", "bcdefghijklmnopqrstuvwxyz", strict=True)
    )
    endless = chain + '{{ define "z" }}{{ end }}{{ template "a" . }}'
    body = put(owner, {"body_text": endless})
    assert (owner.status, body["error"]["details"]["mistakes"][0]["message"]) == (400, "it takes too long")
    put(owner, {"subject": SUBJECT})
    assert owner.status == 200


def test_text_messages_and_kinds_that_there_are_not(owner: Console) -> None:
    put(owner, {"body_sms": "x"}, f"{PLACE}/invitation")
    assert owner.status == 400
    put(owner, {"subject": "x"}, f"{PLACE}/nope")
    assert owner.status == 404
    body = put(owner, {"templates": {"nope": {"subject": "x"}}}, PLACE)
    assert (owner.status, "verification_code_valid" in body["error"]["reason"]) == (400, True)


def test_what_was_hardly_meant_so_is_saved_and_told(owner: Console) -> None:
    warnings = put(owner, {
        "subject": "Hello {{ .Identity.traits.name }}", "body_html": "<p>\n{{ .Identity.traits.nickname }}</p>",
    })["warnings"]  # fmt: skip
    assert [(one["part"], one["line"], one["column"]) for one in warnings] == [
        ("subject", 1, 10), ("body_html", 2, 4), ("body_html", 0, 0),
    ]  # fmt: skip
    assert "<no value>" in warnings[0]["message"]
    assert "traits.nickname" in warnings[1]["message"]
    assert "neither the code nor the link" in warnings[2]["message"]


# --- versions -----------------------------------------------------------------------------------------------------------


def test_versions_and_the_way_back(server: LiveServer, owner: Console) -> None:
    for subject in ("one", "two", "two", "three"):
        put(owner, {"subject": subject})
    owner.ask("DELETE", CODE)
    owner.ask("DELETE", CODE)
    back = owner.post(f"{CODE}/restore", {"version": 2})
    assert (back["subject"], back["version"]) == ("two", 5)
    found = owner.get(f"{CODE}/versions")["versions"]
    assert [(one["version"], one["subject"], one["is_default"], one["restored_from"]) for one in found] == [
        (5, "two", False, 2), (4, None, True, None), (3, "three", False, None), (2, "two", False, None),
        (1, "one", False, None),
    ]  # fmt: skip
    assert {one["saved_by"].partition(":")[0] for one in found} == {"operator"}
    assert actions(owner) == [
        "auth.template.restore", "auth.template.reset", *["auth.template.update"] * 3,
    ]  # fmt: skip
    owner.post(f"{CODE}/restore", {"version": 9})
    assert owner.status == 404
    german = owner.get(f"{CODE}/versions", language="de")
    assert german == {"versions": []}
    put(owner, {"subject": "late", "version": 2})
    assert owner.status == 409
    put(owner, {"subject": "in time", "version": 5})
    assert owner.status == 200


def test_no_more_than_fifty_versions_are_kept(owner: Console) -> None:
    for number in range(55):
        put(owner, {"subject": f"number {number}"})
    found = owner.get(f"{CODE}/versions")["versions"]
    assert (len(found), found[0]["version"], found[-1]["version"]) == (50, 55, 6)


def test_of_two_who_save_at_once_neither_is_lost(server: LiveServer, owner: Console) -> None:
    async def both(db: ProjectDatabase) -> list[int]:
        async def add(subject: str) -> int:
            commit = db.begin()
            saved.add(commit, Saved("invitation", "", 1, {"subject": subject}, clock.text(clock.now()), ""))
            try:
                await db.commit(commit)
            except Exception as error:
                return int(getattr(error, "status", 500))
            return 200

        return sorted(await asyncio.gather(add("a"), add("b")))

    assert at_database(server, both) == [200, 409]


def test_85_another_project_has_templates_of_its_own(server: LiveServer, owner: Console) -> None:
    async def elsewhere() -> int:
        driver = await data_source(server.app.config.dsn, server.app.config).open()
        try:
            db = ProjectDatabase(driver, "11111111-2222-4333-8444-555555555555")
            commit = db.begin()
            saved.add(commit, Saved("invitation", "", 1, {"subject": "theirs"}, clock.text(clock.now()), ""))
            await db.commit(commit)
            put(owner, {"subject": "ours"}, f"{PLACE}/invitation")
            return len(await saved.everything(db))
        finally:
            await driver.close()

    assert asyncio.run(elsewhere()) == 1
    assert owner.get(f"{PLACE}/invitation")["subject"] == "ours"
    assert len(owner.get(f"{PLACE}/invitation/versions")["versions"]) == 1


# --- looking and trying -------------------------------------------------------------------------------------------------


def test_all_kinds_are_listed_with_default_texts_that_can_be_saved(owner: Console) -> None:
    listed = owner.get(PLACE)["templates"]
    assert [one["id"] for one in listed] == list(kinds.BY_TYPE)
    assert all(one["says"] and set(one["origins"].values()) == {"built_in"} for one in listed)
    by_id = {one["id"]: one for one in listed}
    names = {one["name"]: one["example"] for one in by_id["verification_code_valid"]["variables"]}
    assert {"VerificationCode", "VerificationURL", "ApplicationName", "Identity", "RequestURLDomain"} <= set(names)
    assert names["Identity"]["traits"] == {"email": ANN, "name": "Ann Example"}
    assert names["OAuth2LoginRequest"]["Client"]["ClientName"]
    texts = {
        one["id"]: {name: one[name] for name in ("subject", "body_html", "body_text", "body_sms") if one[name]}
        for one in listed
    }
    for language in ("", "de"):
        answer = put(owner, {"templates": texts, "language": language}, PLACE)
        assert owner.status == 200, answer
        assert answer["warnings"] == []
    answer = put(owner, {"templates": dict.fromkeys(texts), "language": "de"}, PLACE)
    assert {one["version"] for one in answer["templates"]} == {2}


def test_a_preview_shows_what_works_beside_what_does_not(owner: Console) -> None:
    shown = owner.post(f"{CODE}/preview", {"subject": SUBJECT, "body_html": "{{ .Foo }}", "language": "de"})
    assert owner.status == 200
    assert shown["subject"] == "Limen: your code is 482913"
    assert shown["body_html"] is None
    assert "Geben Sie diesen Code ein" in shown["body_text"]
    assert shown["body_sms"]
    assert [(one["part"], one["line"]) for one in shown["mistakes"]] == [("body_html", 1)]
    assert owner.get(f"{CODE}/versions") == {"versions": []}
    assert actions(owner) == []


def test_a_sample_goes_to_oneself_or_to_an_address_that_is_named(
    start: Start, over: dict[str, Any], mails: MailServer
) -> None:
    server = start(over, watch_courier=True)
    owner = operator(server, "owner")
    mails.wait(OWNER)
    mails.mails.clear()
    assert owner.post(f"{CODE}/test", {"subject": "Try {{ .To }}", "body_html": HTML}) == {"sent_to": [OWNER]}
    arrived = mails.wait(OWNER)
    assert arrived["Subject"] == f"Try {ANN}"
    assert html_of(arrived) == f"<p>Dear {ANN},</p><p><b>482913</b></p>"
    assert owner.get(f"{CODE}/versions") == {"versions": []}
    owner.post(f"{PLACE}/invitation/test", {"to": "ben@example.org", "language": "de"})
    assert owner.status == 202
    assert mails.wait("ben@example.org")["Subject"] == "Sie sind eingeladen"
    assert actions(owner) == ["auth.template.test"] * 2
    for to in ("nobody", "a@example.org\r\nBcc: b@example.org", "a@example.org, b@example.org"):
        owner.post(f"{CODE}/test", {"to": to})
        assert owner.status == 400
    owner.post(f"{CODE}/test", {"channel": "sms"})
    assert owner.status == 400
    owner.post(f"{CODE}/test", {"subject": "{{ .Foo }}"})
    assert owner.status == 400


def test_a_link_to_try_and_a_code_to_try_open_nothing(server: LiveServer, owner: Console) -> None:
    owner.post(f"{PLACE}/recovery_valid/test", {"to": ANN})
    link = mail.link(server, ANN)
    caller = Caller(server, "browser")
    caller.http.get(link, follow_redirects=True)
    assert not caller.is_signed_in


def test_viewers_look_and_do_not_touch(server: LiveServer, owner: Console) -> None:
    viewer, developer = operator(server, "viewer"), operator(server, "developer")
    assert viewer.get(CODE)["id"] == "verification_code_valid"
    for method, path in (("PUT", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/preview"), ("POST", "/restore")):
        viewer.ask(method, CODE + path, {"version": 1} if path == "/restore" else {})
        assert viewer.status == 403
    put(developer, {"subject": SUBJECT})
    assert developer.status == 200
    server.clock.forward(hours=2)
    put(developer, {"subject": "later"})
    assert (developer.status, developer.last.json()["error"]["id"]) == (403, "session_refresh_required")


def test_the_doctor_tries_what_was_saved(server: LiveServer, owner: Console, tmp_path: Path) -> None:
    put(owner, {"subject": SUBJECT, "body_text": "{{ .VerificationCode }}"})
    file = configured(tmp_path, server.app.config.dsn, VERIFYING)
    assert "✓ Messages are in our words, 2 parts of them in yours." in limen(tmp_path, "doctor", "-c", file).stdout

    async def spoil(db: ProjectDatabase) -> None:
        commit = db.begin()
        saved.add(commit, Saved("invitation", "", 1, {"subject": "{{ .Gone }}"}, clock.text(clock.now()), ""))
        await db.commit(commit)

    at_database(server, spoil)
    told = limen(tmp_path, "doctor", "-c", file).stdout
    assert "✗ A saved template fails. invitation, subject, line 1, column 4: there is no .Gone here" in told
