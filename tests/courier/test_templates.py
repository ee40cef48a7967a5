"""Messages in the operator's words: where templates are found, what they may do, and what becomes of broken ones."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Start
from tests.courier.conftest import MailServer, settled, sign_up
from tests.support.callers import Caller
from tests.support.server import LiveServer, merge


def inline(text: str) -> str:
    return "base64://" + base64.b64encode(text.encode()).decode()


def own(mails: MailServer, **parts: str) -> dict[str, Any]:
    """Templates of the verification mail: subject, plaintext, html."""
    email: dict[str, Any] = {"body": {name: text for name, text in parts.items() if name != "subject"}}
    email |= {"subject": parts["subject"]} if "subject" in parts else {}
    over = {"courier": {"templates": {"verification_code": {"valid": {"email": email}}}}}
    return merge(mails.config, over)


def register(server: LiveServer, address: str = "ann@example.org", payload: Any = None, **traits: Any) -> None:
    caller = Caller(server, "app")
    named = {"email": address, **traits}
    more = {} if payload is None else {"transient_payload": payload}
    flow = caller.start("registration")
    caller.submit(flow, method="password", password="correct-horse-battery-1", traits=named, **more)
    assert caller.last.status_code == 200, caller.last.text


def text_of(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content()).strip()


def html_of(mail: Any) -> str:
    return str(mail.get_body(("html",)).get_content()).strip()


def test_each_part_may_be_ones_own(start: Start, mails: MailServer) -> None:
    server = start(own(mails, subject=inline("Hi {{ .Identity.traits.name }}")), watch_courier=True)
    register(server, name="Ann")
    mail = mails.wait("ann@example.org")
    assert mail["Subject"] == "Hi Ann"
    assert "Enter this code" in text_of(mail)


def test_templates_see_what_kratos_shows_them(start: Start, mails: MailServer) -> None:
    template = (
        "{{ .To }} {{ len .VerificationCode }} {{ .ExpiresInMinutes }} {{ .TransientPayload.word | upper }} "
        "{{ range .TransientPayload.list }}[{{ . }}]{{ end }} {{ .TransientPayload.big }} {{ .Identity.state }} "
        "{{ .Identity.metadata_admin }} {{ .Identity.credentials }} {{ .RequestURL }}"
    )
    server = start(own(mails, plaintext=inline(template)), watch_courier=True)
    register(server, payload={"word": "hello", "list": ["a", "b"], "big": 12345678901})
    assert text_of(mails.wait("ann@example.org")) == (
        "ann@example.org 6 60 HELLO [a][b] 1.2345678901e+10 active <no value> <no value> "
        f"{server.public}self-service/registration/api"
    )


def test_html_is_escaped_where_it_stands(start: Start, mails: MailServer) -> None:
    template = (
        '<a href="{{ .TransientPayload.url }}" title="{{ .Identity.traits.name }}">{{ .Identity.traits.name }}</a>'
    )
    server = start(own(mails, html=inline(template)), watch_courier=True)
    register(server, payload={"url": "javascript:alert(1)"}, name='"><script>alert(1)</script>')
    html = html_of(mails.wait("ann@example.org"))
    assert "<script>" not in html
    assert "javascript:" not in html
    assert html.count("&lt;script&gt;") == 2


@pytest.mark.parametrize(
    "name", ["Ann\r\nBcc: evil@example.net", "Ann\nX: y\n\nbody", "Ann\u2028Bcc: evil@example.net"]
)
def test_a_name_adds_no_header(start: Start, mails: MailServer, name: str) -> None:
    server = start(own(mails, subject=inline("Hi {{ .Identity.traits.name }}")), watch_courier=True)
    register(server, name=name)
    mail = mails.wait("ann@example.org")
    assert mail["Bcc"] is None
    assert mail["X"] is None
    assert mails.envelopes == [("no-reply@ory.kratos.sh", ["ann@example.org"])]
    assert mail["Subject"].startswith("Hi Ann")
    assert "\n" not in mail["Subject"]


def test_what_a_person_writes_is_never_a_template(start: Start, mails: MailServer) -> None:
    server = start(own(mails, plaintext=inline("{{ .Identity.traits.name }}")), watch_courier=True)
    register(server, name='{{ .VerificationCode }} {{ env "HOME" }}')
    assert text_of(mails.wait("ann@example.org")) == '{{ .VerificationCode }} {{ env "HOME" }}'


def test_a_folder_overrides_file_by_file(start: Start, mails: MailServer, tmp_path: Path) -> None:
    folder = tmp_path / "mails/recovery_code/valid"
    folder.mkdir(parents=True)
    chosen = '{{ if eq .TransientPayload.lang "de" }}{{ template "email.subject.de.gotmpl" . }}{{ else }}Code{{ end }}'
    (folder / "email.subject.gotmpl").write_text(chosen)
    (folder / "email.subject.de.gotmpl").write_text("Hallo {{ .To }}")
    (folder / "email.body.gotmpl").write_text('<b>{{ .RecoveryCode }}</b>{{ template "email.body.foot.gotmpl" . }}')
    (folder / "email.body.foot.gotmpl").write_text("<i>{{ .ExpiresInMinutes }}</i>")
    over = {
        "courier": {"template_override_path": str(tmp_path / "mails")},
        "selfservice": {"flows": {"recovery": {"enabled": True}}},
    }
    server = start(merge(mails.config, over), watch_courier=True)
    sign_up(server)
    mails.wait("ann@example.org")
    for language, subject, ours in (
        ("de", "Hallo ann@example.org", "wieder in Ihr Konto"), ("fr", "Code", "get back into your account"),
    ):  # fmt: skip
        caller = Caller(server, "app")
        mails.mails.clear()
        caller.submit(
            caller.start("recovery"), method="code", email="ann@example.org", transient_payload={"lang": language}
        )
        mail = mails.wait("ann@example.org")
        assert mail["Subject"] == subject
        assert html_of(mail).endswith("</b><i>60</i>")
        assert ours in text_of(mail), "what the folder has not is in our words"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """Serves a folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    (tmp_path / "site").mkdir()
    (tmp_path / "site/subject.gotmpl").write_text("From afar, {{ .To }}")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "site")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_template_may_be_fetched(start: Start, mails: MailServer, site: str) -> None:
    sign_up(start(own(mails, subject=f"{site}/subject.gotmpl"), watch_courier=True))
    assert mails.wait("ann@example.org")["Subject"] == "From afar, ann@example.org"


def test_a_changed_file_needs_no_restart(start: Start, mails: MailServer, tmp_path: Path) -> None:
    file = tmp_path / "subject.gotmpl"
    file.write_text("before")
    server = start(own(mails, subject=file.as_uri()), watch_courier=True)
    sign_up(server)
    assert mails.wait("ann@example.org")["Subject"] == "before"
    file.write_text("afterwards")
    sign_up(server, "ben@example.org")
    assert mails.wait("ben@example.org")["Subject"] == "afterwards"


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ if }}", "template:1:"),
        ("{{ .Nope }}", "there is no field Nope"),
        ("{{ now }}", "function 'now' not defined"),
        ('{{ env "HOME" }}', "function 'env' not defined"),
        ('{{ fail "stop" }}', "stop"),
    ],
)
def test_a_broken_template_is_told_and_mended(
    start: Start, mails: MailServer, tmp_path: Path, template: str, told: str
) -> None:
    file = tmp_path / "subject.gotmpl"
    file.write_text(template)
    server = start(own(mails, subject=file.as_uri()), watch_courier=True)
    sign_up(server)  # the person is not to blame, and gets an account
    found = settled(server, "queued")
    error = found["dispatches"][0]["error"]
    assert error["reason"] == "a template is wrong"
    assert error["message"].startswith(f"verification_code/valid/{file.as_uri()}: ")
    assert told in error["message"]
    file.write_text("mended")
    assert mails.wait("ann@example.org")["Subject"] == "mended"


def test_a_broken_html_leaves_the_text(start: Start, mails: MailServer) -> None:
    sign_up(start(own(mails, html=inline("{{ if }}")), watch_courier=True))
    mail = mails.wait("ann@example.org")
    assert mail.get_content_type() == "text/plain"
    assert "Enter this code" in mail.get_content()


def test_a_missing_template_is_told(start: Start, mails: MailServer) -> None:
    over = own(mails, subject="file:///nowhere/subject.gotmpl")
    over["courier"]["message_retries"] = 0
    server = start(over, watch_courier=True)
    sign_up(server)
    error = settled(server, "abandoned")["dispatches"][0]["error"]
    assert error["message"].startswith("the file /nowhere/subject.gotmpl cannot be read")
