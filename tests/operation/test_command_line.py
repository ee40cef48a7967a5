"""The commands and flags that scripts for Kratos use."""

from __future__ import annotations

import email.message
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message

from limen import __version__
from tests.conftest import new_dsn
from tests.operation.conftest import Configure, MakeNode
from tests.support.callers import Caller
from tests.support.process import free_port, limen, until, write


def test_version(tmp_path: Path) -> None:
    done = limen(tmp_path, "version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"Version:    v{__version__}\n", "")


@pytest.mark.parametrize("words", [("nonsense",), ("serve", "--nonsense"), ("migrate", "sql", "aside"), ("serve", "x")])
def test_what_nobody_knows_is_refused_with_usage(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = limen(tmp_path, *words)
    assert done.returncode != 0
    assert "Usage: " in done.stderr or "mistake" in done.stderr
    assert "Traceback" not in done.stderr


class Inbox(Message):
    """What the mail server took."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[email.message.Message] = []

    def handle_message(self, message: email.message.Message) -> None:
        self.mails.append(message)


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    handler, port = Inbox(), free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


@pytest.mark.slow
def test_all_flags_of_serve(
    configure: Configure, node: MakeNode, inbox: tuple[Inbox, int], database: str, tmp_path: Path
) -> None:
    handler, port = inbox
    a = configure(new_dsn(database, tmp_path), {"cookies": {"path": "/a"}, "session": {"lifespan": "1h"}})
    b = write(
        tmp_path,
        "b.yml",
        {
            "cookies": {"path": "/"},
            "selfservice": {"flows": {"verification": {"enabled": True}}},
            "courier": {"smtp": {"connection_uri": f"smtp://127.0.0.1:{port}/?disable_starttls=true"}},
        },
    )
    server = node(tmp_path, "-c", a, "-c", b, "--dev", "--watch-courier", "--sqa-opt-out").start()
    ann = Caller(server, "page")
    ann.sign_up()
    cookie = next(c for c in ann.http.cookies.jar if c.name == "ory_kratos_session")
    assert (cookie.secure, cookie.path) == (False, "/"), "--dev allows plain HTTP, and the later file wins"
    assert until(lambda: handler.mails)[0]["X-RcptTo"] == "ann@example.org"
    messages = httpx.get(f"{server.admin}admin/courier/messages").json()
    assert [m["recipient"] for m in messages] == ["ann@example.org"]


@pytest.mark.slow
def test_without_the_flags(configure: Configure, node: MakeNode, tmp_path: Path) -> None:
    smtp = {"connection_uri": "smtp://127.0.0.1:1/"}
    over = {"selfservice": {"flows": {"verification": {"enabled": True}}}, "courier": {"smtp": smtp}}
    server = node(tmp_path, "-c", configure(new_dsn("sqlite", tmp_path), over)).start()
    ann = Caller(server, "app")
    ann.sign_up()
    answer = httpx.get(f"{server.public}self-service/login/browser")
    assert "Secure" in answer.headers["set-cookie"]
    [message] = httpx.get(f"{server.admin}admin/courier/messages").json()
    assert message["status"] == "queued"


@pytest.mark.slow
def test_files_may_be_given_with_commas(configure: Configure, node: MakeNode, tmp_path: Path) -> None:
    a = configure(new_dsn("sqlite", tmp_path))
    b = write(tmp_path, "b.json", {"session": {"cookie": {"name": "renamed"}}})
    server = node(tmp_path, "-c", f"{a},{b}", "--dev").start()
    ann = Caller(server, "script")
    ann.sign_up()
    assert "renamed" in ann.http.cookies
