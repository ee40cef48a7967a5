"""A mail server and a web service that keep what they get and misbehave on demand, and what a test asks of them."""

from __future__ import annotations

import asyncio
import email
import email.policy
import gc
import json
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.callers import Caller
from tests.support.process import free_port, until
from tests.support.server import LiveServer, merge

VERIFYING: dict[str, Any] = {"selfservice": {"flows": {"verification": {"enabled": True}}}}


class _Controller(Controller):
    """Knows its connections: the library leaves those that are open to the collector."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.opened: list[Any] = []
        self.closed = 0

    def factory(self) -> SMTP:
        server = super().factory()
        made, lost = server.connection_made, server.connection_lost

        def connection_made(transport: Any) -> None:
            self.opened.append(transport)
            made(transport)

        def connection_lost(error: Exception | None) -> None:
            self.closed += 1
            lost(error)

        server.connection_made = connection_made  # type: ignore[method-assign]
        server.connection_lost = connection_lost  # type: ignore[method-assign]
        return server

    def hang_up(self) -> None:
        async def close() -> None:
            self.server.close()
            for _ in range(3):  # some may be on their way in
                for transport in self.opened:
                    transport.abort()
                await asyncio.sleep(0.03)

        asyncio.run_coroutine_threadsafe(close(), self.loop).result()


class MailServer:
    """`refuse` holds replies by recipient, `stall` recipients that get no answer, `drop` those whose connection is cut."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        login: tuple[str, str] | None = None,
    ) -> None:
        self.mails: list[EmailMessage] = []
        self.envelopes: list[tuple[str | None, list[str]]] = []
        self.greetings: list[str] = []
        self.connections = 0
        self.refuse: dict[str, str] = {}
        self.stall: set[str] = set()
        self.drop: set[str] = set()
        self.login = login
        self.peers: list[Any] = []
        more: dict[str, Any] = {"ssl_context": tls} if implicit else {"tls_context": tls}
        if login:
            more |= {"authenticator": self._authenticate, "auth_required": True, "auth_require_tls": False}
        self.port = free_port()
        self._controller = _Controller(self, hostname="127.0.0.1", port=self.port, **more)
        self._controller.start()
        self._runs = True

    @property
    def config(self) -> dict[str, Any]:
        """Verification on, and mail through this server, without TLS."""
        return self.at(f"smtp://127.0.0.1:{self.port}/?disable_starttls=true")

    def at(self, uri: str, **smtp: Any) -> dict[str, Any]:
        return merge(
            VERIFYING, {"courier": {"smtp": {"connection_uri": uri, **smtp}, "worker": {"pull_wait": "100ms"}}}
        )

    @property
    def is_left(self) -> bool:
        """All who were connected have hung up, and nothing of theirs comes any more."""
        return self._controller.closed == len(self._controller.opened)

    def close(self) -> None:
        if self._runs:
            self._runs = False
            self._controller.hang_up()
            self._controller.stop()

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if mail["To"] == address]

    def wait(self, address: str) -> EmailMessage:
        return until(lambda: self.to(address))[-1]

    def _authenticate(self, server: SMTP, session: Session, envelope: Envelope, how: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=(data.login.decode(), data.password.decode()) == self.login, handled=False)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname  # type: ignore[assignment]
        self.connections += 1
        self.greetings.append(hostname)
        transport = server.transport
        peer = transport.get_extra_info("ssl_object") if transport else None
        self.peers.append(peer.getpeercert() if peer else None)
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.drop and server.transport:
            server.transport.close()
            return "421 gone"
        if address in self.stall:
            await asyncio.sleep(3600)
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(email.message_from_bytes(content, policy=email.policy.default))  # type: ignore[arg-type]
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        return "250 kept"


@pytest.fixture
def mail_server() -> Iterator[Callable[..., MailServer]]:
    """Start mail servers; all are stopped in the end."""
    started: list[MailServer] = []

    def start(**more: Any) -> MailServer:
        started.append(MailServer(**more))
        return started[-1]

    yield start
    for one in started:
        one.close()
    started.clear()
    with warnings.catch_warnings():  # connections of couriers that were killed, and of those left waiting
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def mails(mail_server: Callable[..., MailServer]) -> MailServer:
    """A plain one."""
    return mail_server()


class WebService:
    """Keeps every call. `answers` are given one after the other, the last one from then on: a status and a body."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.answers: list[tuple[int, str]] = [(200, "")]
        service = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
                is_json = self.headers.get("content-type") == "application/json"
                headers = {name.lower(): value for name, value in self.headers.items()}
                service.calls.append(
                    {
                        "method": self.command,
                        "path": self.path,
                        "headers": headers,
                        "raw": raw,
                        "body": json.loads(raw) if is_json and raw else None,
                    }
                )
                status, body = service.answers.pop(0) if len(service.answers) > 1 else service.answers[0]
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            do_GET = do_POST = do_PUT = do_PATCH = do_TRACE = handle_any  # noqa: N815 - the base class's names

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/send"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def config(self, **request: Any) -> dict[str, Any]:
        """Verification on, and mail as a request to this service."""
        request = {"url": self.url, **request}
        http = {"delivery_strategy": "http", "http": {"request_config": request}, "worker": {"pull_wait": "100ms"}}
        return merge(VERIFYING, {"courier": http})

    def wait(self, count: int = 1) -> list[dict[str, Any]]:
        return until(lambda: self.calls if len(self.calls) >= count else [])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def service() -> Iterator[WebService]:
    started = WebService()
    yield started
    started.close()


def messages(server: LiveServer, **query: Any) -> list[dict[str, Any]]:
    """The admin API's list."""
    found: list[dict[str, Any]] = httpx.get(f"{server.admin}admin/courier/messages", params=query).json()
    return found


def message(server: LiveServer, id_: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.admin}admin/courier/messages/{id_}").json()
    return found


def settled(server: LiveServer, status: str, recipient: str = "ann@example.org") -> dict[str, Any]:
    """The newest message to somebody, with its attempts, once it has this status after one of them."""

    def reached(newest: dict[str, Any]) -> bool:
        return newest["status"] == status and newest["send_count"] > 0

    found = until(lambda: [*filter(reached, messages(server, recipient=recipient)[:1])])
    return message(server, found[0]["id"])


def sign_up(server: LiveServer, address: str = "ann@example.org", **headers: str) -> Caller:
    caller = Caller(server, "app")
    caller.http.headers.update(headers)
    caller.sign_up(address)
    return caller
