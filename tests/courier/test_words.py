"""Our own messages: in the language of the person, short, and without anything a stranger can put in."""

from __future__ import annotations

from typing import Any

import pytest

from limen.core import catalogue, configload
from limen.courier import kinds, starters, trial, variables, words, workshop
from limen.courier.model import Message, Origin
from limen.courier.workshop import Given
from limen.project.model import Identifiers, Project, compile_project
from tests.conftest import Start
from tests.courier.conftest import MailServer
from tests.support.callers import Caller
from tests.support.server import PERSON, base_config, merge


@pytest.mark.parametrize(
    ("said", "subject"),
    [
        ({}, "Confirm your address"),
        ({"header": "de-AT,en;q=0.5"}, "Adresse bestätigen"),
        ({"header": "fr"}, "Confirm your address"),
        ({"payload": {"lang": "de"}}, "Adresse bestätigen"),
        ({"payload": {"lang": "de"}, "header": "en"}, "Adresse bestätigen"),
        ({"trait": "de_CH", "payload": {"lang": "en"}, "header": "en"}, "Adresse bestätigen"),
        ({"trait": "deutsch"}, "Confirm your address"),
        ({"payload": {"lang": ["de"]}}, "Confirm your address"),
    ],
)
def test_the_language_is_the_persons(start: Start, mails: MailServer, said: dict[str, Any], subject: str) -> None:
    schema = merge(PERSON, {"properties": {"traits": {"properties": {"locale": {"type": "string"}}}}})
    caller = Caller(start(mails.config, schema=schema, watch_courier=True), "app")
    caller.http.headers["accept-language"] = said.get("header", "")
    traits = {"email": "ann@example.org"} | ({"locale": said["trait"]} if "trait" in said else {})
    payload = {"transient_payload": said["payload"]} if "payload" in said else {}
    caller.submit(
        caller.start("registration"), method="password", password="correct-horse-battery-1", traits=traits, **payload
    )
    assert mails.wait("ann@example.org")["Subject"].startswith(subject)


def test_nobody_elses_browser_decides_about_a_mail_to_me(start: Start, mails: MailServer) -> None:
    schema = merge(PERSON, {"properties": {"traits": {"properties": {"locale": {"type": "string"}}}}})
    over = merge(mails.config, {"selfservice": {"flows": {"recovery": {"enabled": True}}}})
    server = start(over, schema=schema, watch_courier=True)
    Caller(server, "app").sign_up("ann@example.org", locale="de")
    mails.wait("ann@example.org")
    mails.mails.clear()
    stranger = Caller(server, "app")
    stranger.http.headers["accept-language"] = "en"
    stranger.submit(stranger.start("recovery"), method="code", email="ann@example.org")
    assert mails.wait("ann@example.org")["Subject"].startswith("Ihr Code zum Wiederherstellen: ")


EVIL = '<script>alert(1)</script> "quoted" https://evil.example.net/ {{ .To }}'
DATA = {
    "expires_in_minutes": 60, "changed_at": "2026-11-21T10:00:00Z", "added_at": "2026-11-21T10:00:00Z",
    "done_at": "2026-11-21T10:00:00Z", "device": "Firefox on Linux", "provider": "Google", "request_url_domain": "id.example.org",
    "verification_url": "https://id.example.org/self-service/verification?code=123456&flow=1",
    "recovery_url": "https://id.example.org/self-service/recovery?token=x&flow=1",
    "to": EVIL, "transient_payload": {"lang": EVIL}, "request_url": EVIL,
    "identity": {"traits": {"email": EVIL, "name": EVIL}}, "traits": {"email": EVIL, "name": EVIL},
}  # fmt: skip


@pytest.fixture(scope="module")
def project() -> Project:
    over = {"limen": {"branding": {"name": "A <b> & Söhne", "accent": "#ffe600"}}}
    config = configload.load(
        [], env={}, flags={}, base=merge(base_config("memory", 1, 2, "file:///x.json"), over)
    ).config
    return compile_project(Identifiers("1", "default", "Default"), config, {}, dev=True)


def said(project: Project, type_: str, channel: str, language: str, part: str) -> str:
    fields = kinds.BY_TYPE[type_].fields(channel).values()
    data = {
        name: "123456" if name.endswith("_code") else DATA[name]
        for name in fields
        if name in DATA or name.endswith("_code")
    }
    message = Message(
        id="1", status="queued", channel=channel, recipient="a@example.org", template=type_, data=data,
        origin=Origin(language), send_count=1, created_at="", updated_at="",
    )  # fmt: skip
    return words.part(project, message, part)


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
@pytest.mark.parametrize("type_", kinds.BY_TYPE)
def test_every_kind_is_said_in_every_language(project: Project, type_: str, language: str) -> None:
    subject, text, html = (said(project, type_, "email", language, part) for part in ("subject", "text", "html"))
    for part in (subject, text, html):
        assert part.strip()
        assert "evil.example.net" not in part, "nothing that a person can choose is repeated"
        assert "<script>" not in part
    assert len(subject) < 78
    assert f'<html lang="{language}">' in html
    assert "A &lt;b&gt; &amp; Söhne" in html
    assert "A <b> & Söhne" in text
    if "_code_" in type_ and type_.endswith("_valid"):
        assert all("123456" in part for part in (subject, text, html))
    if url := {"recovery_valid": "recovery_url", "verification_valid": "verification_url"}.get(type_):
        assert str(DATA[url]) in text
        assert f'href="{str(DATA[url]).replace("&", "&amp;")}"' in html


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
@pytest.mark.parametrize("type_", [kind.type for kind in kinds.BY_TYPE.values() if kind.sms])
def test_a_text_message_is_short(project: Project, type_: str, language: str) -> None:
    text = said(project, type_, "sms", language, "sms")
    assert len(text) <= 200
    if "_code_" in type_:
        assert text.endswith("\n\n@id.example.org #123456\n"), "the form that phones fill in by themselves"


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
async def test_the_template_to_start_from_makes_what_our_own_words_make(project: Project, language: str) -> None:
    for kind in kinds.BY_PATH.values():
        for channel, part in kind.parts:
            message = trial.sample(project, kind, channel, language)
            given = Given(message.data, variables.own(project, kind, channel, message.data, language))
            source = starters.part(project, kind, channel, part, language)
            checked = await workshop.check(kind, channel, [given], part, source)
            assert (checked.mistakes, checked.texts) == ((), (words.part(project, message, part),)), (kind.path, part)
