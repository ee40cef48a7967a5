"""Mail through a mail server: every way to reach one, and every way it can answer."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from limen.courier import smtp
from tests.conftest import Start
from tests.courier.conftest import MailServer, messages, settled, sign_up

Servers = Callable[..., MailServer]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_tls(authority: trustme.CA, name: str = "127.0.0.1", *, asks: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine trusts our authority."""
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


def test_a_mail_has_what_it_needs(start: Start, mails: MailServer) -> None:
    smtp = {"from_address": "id@acme.example", "from_name": 'The "Team"', "local_name": "id.acme.example"}
    sign_up(start(mails.at(mails.config["courier"]["smtp"]["connection_uri"], **smtp), watch_courier=True))
    mail = mails.wait("ann@example.org")
    assert mail["From"] == '"The \\"Team\\"" <id@acme.example>'
    assert mail["Message-ID"].endswith("@acme.example>")
    assert mail["Date"].datetime.tzinfo is not None
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Subject"].startswith("Confirm your address: ")
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mails.envelopes == [("id@acme.example", ["ann@example.org"])]
    assert mails.greetings[0] == "id.acme.example"


def test_configured_headers_win_and_copies_are_sent(start: Start, mails: MailServer) -> None:
    headers = {
        "x-tag": "sign-in", "reply-to": "help@acme.example", "Subject": "Grüße", "Cc": "Copy <copy@acme.example>",
        "Bcc": "audit@acme.example",
    }  # fmt: skip
    uri = mails.config["courier"]["smtp"]["connection_uri"]
    mails.refuse["copy@acme.example"] = "550 no such user"
    sign_up(start(mails.at(uri, headers=headers), watch_courier=True))
    mail = mails.wait("ann@example.org")
    assert (mail["X-Tag"], mail["Reply-To"], mail["Subject"]) == ("sign-in", "help@acme.example", "Grüße")
    assert mail["Bcc"] is None
    assert mails.envelopes[0][1] == ["ann@example.org", "audit@acme.example"], "a copy that is refused stops nothing"


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_tls_is_used_and_checked(start: Start, mail_server: Servers, authority: trustme.CA, scheme: str) -> None:
    mails = mail_server(tls=server_tls(authority), implicit=scheme == "smtps")
    sign_up(start(mails.at(f"{scheme}://127.0.0.1:{mails.port}/"), watch_courier=True))
    assert mails.wait("ann@example.org")


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_nobody_vouches_for_is_refused(
    start: Start, mail_server: Servers, authority: trustme.CA, scheme: str
) -> None:
    mails = mail_server(tls=server_tls(authority), implicit=scheme == "smtps")
    over = mails.at(f"{scheme}://127.0.0.1:{mails.port}/")
    over["courier"]["message_retries"] = 0
    server = start(over, watch_courier=True)
    sign_up(server)
    found = settled(server, "abandoned")
    assert "certificate verify failed" in found["dispatches"][0]["error"]["message"]
    assert mails.mails == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_the_check_of_the_certificate_can_be_skipped(
    start: Start, mail_server: Servers, authority: trustme.CA, scheme: str
) -> None:
    mails = mail_server(tls=server_tls(authority, "elsewhere.example"), implicit=scheme == "smtps")
    sign_up(start(mails.at(f"{scheme}://127.0.0.1:{mails.port}/?skip_ssl_verify=true"), watch_courier=True))
    assert mails.wait("ann@example.org")


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_the_name_in_the_certificate_can_be_another(
    start: Start, mail_server: Servers, authority: trustme.CA, scheme: str
) -> None:
    mails = mail_server(tls=server_tls(authority, "mail.acme.example"), implicit=scheme == "smtps")
    uri = f"{scheme}://127.0.0.1:{mails.port}/?server_name=mail.acme.example"
    sign_up(start(mails.at(uri), watch_courier=True))
    assert mails.wait("ann@example.org")


@pytest.mark.usefixtures("trusted")
def test_a_client_certificate_is_shown(
    start: Start, mail_server: Servers, authority: trustme.CA, tmp_path: Path
) -> None:
    own = authority.issue_cert("id.acme.example")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    own.cert_chain_pems[0].write_to_path(str(cert))
    own.private_key_pem.write_to_path(str(key))
    mails = mail_server(tls=server_tls(authority, asks=True), implicit=True)
    over = mails.at(f"smtps://127.0.0.1:{mails.port}/", client_cert_path=str(cert), client_key_path=str(key))
    sign_up(start(over, watch_courier=True))
    assert mails.wait("ann@example.org")
    assert mails.peers[0]["subjectAltName"] == (("DNS", "id.acme.example"),)


def test_without_starttls_nothing_is_sent_in_the_clear(start: Start, mails: MailServer) -> None:
    over = mails.at(f"smtp://127.0.0.1:{mails.port}/")
    over["courier"]["message_retries"] = 0
    server = start(over, watch_courier=True)
    sign_up(server)
    found = settled(server, "abandoned")
    assert "STARTTLS" in found["dispatches"][0]["error"]["message"].upper()
    assert mails.mails == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
def test_user_and_password_are_read_from_the_uri(start: Start, mail_server: Servers) -> None:
    mails = mail_server(login=("id@acme.example", "p@ss:/word"))
    uri = f"smtp://id%40acme.example:p%40ss%3A%2Fword@127.0.0.1:{mails.port}/?disable_starttls=true"
    sign_up(start(mails.at(uri), watch_courier=True))
    assert mails.wait("ann@example.org")


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
def test_a_wrong_password_of_ours_is_no_fault_of_the_mail(start: Start, mail_server: Servers) -> None:
    mails = mail_server(login=("id", "right"))
    over = mails.at(f"smtp://id:wrong@127.0.0.1:{mails.port}/?disable_starttls=true")
    over["courier"]["message_retries"] = 1
    server = start(over, watch_courier=True)
    sign_up(server)
    found = settled(server, "abandoned")
    assert found["send_count"] == 2, "it is tried again: somebody may mend the configuration"
    error = found["dispatches"][0]["error"]
    assert error["message"].startswith(f"127.0.0.1:{mails.port}: 535 ")
    assert "wrong" not in error["message"]


@pytest.mark.parametrize("reply", ["550 5.1.1 no such user", "571 5.7.1 blocked", "552 5.2.2 quota"])
def test_what_is_refused_for_good_is_given_up_at_once(start: Start, mails: MailServer, reply: str) -> None:
    mails.refuse["ann@example.org"] = reply
    server = start(mails.config, watch_courier=True)
    sign_up(server)
    found = settled(server, "abandoned")
    assert (found["send_count"], len(found["dispatches"])) == (1, 1)
    assert found["dispatches"][0]["status"] == "failed"
    assert found["dispatches"][0]["error"] == {
        "code": 500, "status": "Internal Server Error", "reason": "failed to send email via smtp", "message": reply,
    }  # fmt: skip


@pytest.mark.parametrize("reply", ["451 4.3.0 try again later", "450 4.2.0 greylisted", "421 4.3.2 closing"])
def test_what_is_refused_for_now_is_tried_again(start: Start, mails: MailServer, reply: str) -> None:
    mails.refuse["ann@example.org"] = reply
    server = start(mails.config, watch_courier=True)
    sign_up(server)
    settled_once = settled(server, "queued")
    del mails.refuse["ann@example.org"]
    assert mails.wait("ann@example.org")
    found = settled(server, "sent")
    assert found["id"] == settled_once["id"]
    assert found["dispatches"][0]["status"] == "success"
    assert {one["status"] for one in found["dispatches"][1:]} == {"failed"}
    assert found["dispatches"][-1]["error"]["message"] == reply


def test_it_is_given_up_after_the_configured_number_of_attempts(start: Start, mails: MailServer) -> None:
    mails.refuse["ann@example.org"] = "451 not now"
    over = mails.config
    over["courier"]["message_retries"] = 2
    server = start(over, watch_courier=True)
    sign_up(server)
    found = settled(server, "abandoned")
    assert (found["send_count"], len(found["dispatches"])) == (3, 3)


def test_a_recipient_that_stalls_holds_up_no_other(
    start: Start, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "TIMEOUT", 3600.0)  # however long the others take
    mails.stall.add("slow@example.org")
    server = start(mails.config, watch_courier=True)
    sign_up(server, "slow@example.org")
    assert settled(server, "processing", "slow@example.org")["dispatches"] == []
    for name in ("ann", "ben", "cat"):
        sign_up(server, f"{name}@example.org")
        assert settled(server, "sent", f"{name}@example.org")
        assert len(mails.to(f"{name}@example.org")) == 1
    assert messages(server, recipient="slow@example.org")[0]["status"] == "processing"


@pytest.mark.parametrize("does", ["stalls", "refuses", "greylists", "closes", "drops the line"])
def test_whatever_happens_to_one_recipient_no_other_waits(start: Start, mails: MailServer, does: str) -> None:
    for number in range(5):
        address = f"odd{number}@example.org"
        if does == "stalls":
            mails.stall.add(address)
        elif does == "drops the line":
            mails.drop.add(address)
        else:
            mails.refuse[address] = {
                "refuses": "550 5.1.1 no such user", "greylists": "451 4.7.1 greylisted", "closes": "421 4.3.2 closing",
            }[does]  # fmt: skip
    server = start(mails.config)
    for number in range(5):  # in turns, so that each of the others stands behind an odd one
        sign_up(server, f"odd{number}@example.org")
        sign_up(server, f"p{number}@example.org")
    start(mails.config, watch_courier=True)
    for number in range(5):
        assert settled(server, "sent", f"p{number}@example.org")
        assert len(mails.to(f"p{number}@example.org")) == 1
    assert {m["status"] for number in range(5) for m in messages(server, recipient=f"odd{number}@example.org")} <= {
        "processing", "queued", "abandoned",
    }  # fmt: skip


def test_a_dropped_connection_loses_nothing(start: Start, mails: MailServer) -> None:
    mails.drop.add("ann@example.org")
    server = start(mails.config, watch_courier=True)
    sign_up(server)
    settled(server, "queued")
    sign_up(server, "ben@example.org")
    assert mails.wait("ben@example.org")
    mails.drop.clear()
    assert mails.wait("ann@example.org")
    assert len(mails.to("ann@example.org")) == 1


def test_a_server_that_is_not_there_is_told(start: Start, mail_server: Servers) -> None:
    gone = mail_server()
    gone.close()
    over = gone.config
    over["courier"]["message_retries"] = 0
    server = start(over, watch_courier=True)
    sign_up(server)
    told = settled(server, "abandoned")["dispatches"][0]["error"]["message"]
    assert told.startswith(f"127.0.0.1:{gone.port}: ")
    assert "refused" in told.lower()


def test_private_addresses_can_be_forbidden(start: Start, mails: MailServer) -> None:
    over = mails.config
    over["courier"]["message_retries"] = 0
    over["clients"] = {"smtp": {"disallow_private_ip_ranges": True}}
    server = start(over, watch_courier=True)
    sign_up(server)
    assert "private address" in settled(server, "abandoned")["dispatches"][0]["error"]["message"]
    assert mails.connections == 0
