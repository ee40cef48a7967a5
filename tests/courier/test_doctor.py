"""`limen doctor`: what it says of messages that would not arrive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Start, new_dsn
from tests.courier.conftest import VERIFYING, MailServer, settled, sign_up
from tests.support.process import configured, limen, until, write
from tests.support.server import merge

BOTH = {"selfservice": {"flows": {"verification": {"enabled": True}, "recovery": {"enabled": True}}}}
SENDER = {"courier": {"smtp": {"from_address": "id@acme.example"}}}
PLAIN = {"type": "object", "properties": {"traits": {"type": "object", "properties": {"name": {"type": "string"}}}}}
Examine = Callable[..., tuple[int, str]]


@pytest.fixture
def examine(tmp_path: Path) -> Examine:
    def run(over: dict[str, Any], *, dsn: str = "", schema: dict[str, Any] | None = None) -> tuple[int, str]:
        file = configured(tmp_path, dsn or new_dsn("sqlite", tmp_path), over)
        if schema:
            write(tmp_path, "person.schema.json", schema)
        done = limen(tmp_path, "doctor", "-c", file)
        assert done.stderr == "" or "warning" in done.stderr, done.stderr
        return done.returncode, done.stdout

    return run


def test_all_is_well(examine: Examine, mails: MailServer, start: Start) -> None:
    over = merge(merge(mails.config, BOTH), SENDER)
    server = start(over, watch_courier=True)
    until(lambda: "✓ A courier is running." in examine(over, dsn=server.app.config.dsn)[1])
    code, told = examine(over, dsn=server.app.config.dsn)
    assert code == 0
    assert told.splitlines()[-7:-2] == [
        "✓ Verification is enabled, by code.",
        "✓ Recovery is enabled, by code.",
        f"✓ The mail server takes our mails: 127.0.0.1:{mails.port}, without encryption.",
        "✓ Messages are in our words.",
        "✓ A courier is running.",
    ]
    assert mails.mails == [], "it sends nothing"


@pytest.mark.slow
def test_what_is_disabled(examine: Examine, mails: MailServer) -> None:
    code, told = examine(
        merge(merge(mails.config, SENDER), {"selfservice": {"flows": {"verification": {"enabled": False}}}})
    )
    assert code == 0
    assert "! Verification is disabled: no address is ever confirmed." in told
    assert "! Recovery is disabled: who forgets the password stays locked out." in told
    assert "! No courier is running: messages will wait." in told


@pytest.mark.slow
def test_a_schema_that_marks_no_address(examine: Examine, mails: MailServer) -> None:
    code, told = examine(merge(merge(mails.config, BOTH), SENDER), schema=PLAIN)
    assert code == 1
    assert "✗ Verification is enabled, but no identity schema marks an address for it" in told
    assert '→ Write `"ory.sh/kratos": {"verification": {"via": "email"}}` at the trait with the address.' in told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("uri", "advice"),
    [
        ("smtp://127.0.0.1:{port}/", "?disable_starttls=true"),
        ("smtps://127.0.0.1:{port}/", "This port does not speak TLS at once"),
        ("smtp://127.0.0.1:1/", "Check host and port"),
    ],
)
def test_a_mail_server_that_refuses(examine: Examine, mails: MailServer, uri: str, advice: str) -> None:
    code, told = examine(merge(merge(mails.at(uri.format(port=mails.port)), BOTH), SENDER))
    assert code == 1
    assert "✗ The mail server refuses us. 127.0.0.1:" in told
    assert advice in told


@pytest.mark.slow
def test_kratos_sender(examine: Examine, mails: MailServer) -> None:
    code, told = examine(merge(mails.config, BOTH))
    assert code == 1
    assert "✗ Mails come from no-reply@ory.kratos.sh" in told


@pytest.mark.slow
def test_no_mail_server(examine: Examine) -> None:
    code, told = examine(BOTH)
    assert code == 0
    assert "! No mail server is configured: messages are shown at http://127.0.0.1:" in told
    code, told = examine(merge(BOTH, {"serve": {"public": {"base_url": "https://id.example.org/"}}}))
    assert code == 1
    assert "✗ No mail server is configured: every message will be given up." in told


@pytest.mark.slow
def test_a_template_that_is_broken(examine: Examine, mails: MailServer) -> None:
    broken = {"login_code": {"valid": {"email": {"subject": "base64://e3sgaWYgfX0="}}}}
    own = merge(mails.config, {"courier": {"templates": broken}})
    code, told = examine(merge(merge(own, BOTH), SENDER))
    assert code == 1
    assert "✗ The template login_code/valid/email.subject.gotmpl cannot be used: template:1:" in told


@pytest.mark.slow
def test_messages_that_wait_and_that_were_given_up(examine: Examine, start: Start, mails: MailServer) -> None:
    over = merge(merge(mails.config, BOTH), SENDER)
    mails.refuse["ann@example.org"] = "550 no such user"
    server = start(over, watch_courier=True)
    sign_up(server)
    settled(server, "abandoned")
    code, told = examine(over, dsn=server.app.config.dsn)
    assert code == 1
    assert "✗ 1 messages were given up within a day. The last one: 550 no such user" in told
    waiting = start(merge(VERIFYING, {"courier": {"smtp": {"connection_uri": "smtp://127.0.0.1:1/"}}}), own=True)
    waiting.clock.forward(minutes=-5)
    sign_up(waiting, "ben@example.org")
    code, told = examine(over, dsn=waiting.app.config.dsn)
    assert code == 1
    assert "✗ No courier is running, and messages wait since " in told
