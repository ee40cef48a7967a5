"""The admin API of messages: filters, pages, one message, and what is not for an operator's eyes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conftest import Start
from tests.courier.conftest import VERIFYING, MailServer, messages, settled, sign_up
from tests.support.server import LiveServer, merge

PEOPLE = ("ann", "ben", "cat", "dan", "eve")
REDACTED = "<redacted-unless-dev-mode>"


@pytest.fixture
def server(start: Start) -> LiveServer:
    """Five messages wait: nobody sends them."""
    over = merge(VERIFYING, {"courier": {"smtp": {"connection_uri": "smtp://127.0.0.1:1/"}}})
    live = start(over)
    for name in PEOPLE:
        sign_up(live, f"{name}@example.org")
    return live


def get(server: LiveServer, path: str) -> httpx.Response:
    return httpx.get(f"{server.admin}admin/courier/messages{path}")


def recipients(answer: httpx.Response) -> list[str]:
    return [m["recipient"].partition("@")[0] for m in answer.json()]


def links(answer: httpx.Response) -> dict[str, str]:
    return {rel: url for url, rel in re.findall(r'<([^>]+)>; rel="(\w+)"', answer.headers["link"])}


def test_the_newest_come_first(server: LiveServer) -> None:
    answer = get(server, "")
    assert recipients(answer) == list(reversed(PEOPLE))
    first = answer.json()[0]
    assert list(first) == [
        "id", "status", "type", "recipient", "body", "subject", "template_type", "channel", "send_count", "created_at",
        "updated_at",
    ]  # fmt: skip
    assert (first["status"], first["type"], first["template_type"], first["channel"], first["send_count"]) == (
        "queued", "email", "verification_code_valid", "email", 0,
    )  # fmt: skip
    code = re.search(r"\d{6}", first["subject"])
    assert code, "development shows what is in it, also before it is sent"
    assert code[0] in first["body"]


def pages(server: LiveServer, query: str) -> Iterator[list[str]]:
    path = query
    while path:
        answer = get(server, path)
        yield recipients(answer)
        following = links(answer).get("next", "")
        path = following.removeprefix("/admin/courier/messages")


def test_pages_follow_each_other(server: LiveServer) -> None:
    assert list(pages(server, "?page_size=2")) == [["eve", "dan"], ["cat", "ben"], ["ann"]]
    assert list(pages(server, "?page_size=5&status=queued")) == [list(reversed(PEOPLE))]
    assert list(pages(server, "?page_size=1&recipient=ann@example.org")) == [["ann"]]


def test_the_first_page_is_found_from_any(server: LiveServer) -> None:
    second = get(server, links(get(server, "?page_size=2"))["next"].removeprefix("/admin/courier/messages"))
    first = get(server, links(second)["first"].removeprefix("/admin/courier/messages"))
    assert recipients(first) == ["eve", "dan"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?status=queued", 5), ("?status=sent", 0), ("?status=abandoned", 0), ("?status=processing", 0),
        ("?recipient=ann@example.org", 1), ("?recipient=ANN@example.org", 0), ("?recipient=ann", 0), ("?recipient=%25", 0),
        ("?recipient=", 5), ("?page_size=0", 5), ("?page_size=-1", 5), ("?page_size=501", 5), ("?page_size=%2B2", 2),
        ("?page_size=", 5), ("?page_token=", 5), ("?unknown=1", 5), ("?status=queued&status=nope", 5),
    ],
)  # fmt: skip
def test_filters(server: LiveServer, query: str, found: int) -> None:
    answer = get(server, query)
    assert (answer.status_code, len(answer.json())) == (200, found)


@pytest.mark.parametrize(
    "query",
    [
        "?status=", "?status=SENT", "?status=nope", "?page_size=x", "?page_size=1.5", "?page_size=1e3",
        "?page_size=99999999999999999999", "?page_token=nonsense", "?page_token=%20", "?status=sent&page_size=x",
        "/nonsense", "/12345678-1234-1234-1234-12345678901", "/%00",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(server: LiveServer, query: str) -> None:
    answer = get(server, query)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_a_token_is_good_for_an_hour(server: LiveServer) -> None:
    following = links(get(server, "?page_size=2"))["next"].removeprefix("/admin/courier/messages")
    server.clock.forward(minutes=61)
    assert get(server, following).status_code == 400


def test_a_token_of_another_list_is_none_of_this(server: LiveServer) -> None:
    other = httpx.get(f"{server.admin}admin/identities?page_size=1")
    token = links(other)["next"].partition("page_token=")[2]
    assert get(server, f"?page_token={token}").status_code == 400


def test_one_message_is_found_by_its_id(server: LiveServer) -> None:
    id_ = messages(server)[0]["id"]
    assert get(server, f"/{id_}").json()["dispatches"] == []
    assert get(server, f"/{id_.upper()}").status_code == 200
    unknown = get(server, "/7b0b3b0e-0000-4000-8000-000000000000")
    assert unknown.status_code == 404


def test_the_attempts_are_told_newest_first(start: Start, mails: MailServer) -> None:
    mails.refuse["ann@example.org"] = "451 busy"
    server = start(mails.config, watch_courier=True)
    sign_up(server)
    settled(server, "queued")
    mails.refuse.clear()
    mails.wait("ann@example.org")
    found: dict[str, Any] = settled(server, "sent")
    times = [one["created_at"] for one in found["dispatches"]]
    assert times == sorted(times, reverse=True)
    assert {one["message_id"] for one in found["dispatches"]} == {found["id"]}
    assert found["send_count"] == len(found["dispatches"])


def test_outside_of_development_nobody_reads_along(start: Start, mails: MailServer) -> None:
    server = start(mails.config, watch_courier=True, prepare=lambda app: setattr(app, "dev", False))
    sign_up(server)
    mails.wait("ann@example.org")
    found = settled(server, "sent")
    assert (found["body"], found["subject"]) == (REDACTED, REDACTED)
    [listed] = messages(server)
    assert (listed["body"], listed["subject"]) == (REDACTED, REDACTED)


def test_the_public_port_has_no_messages(server: LiveServer) -> None:
    id_ = messages(server)[0]["id"]
    for path in ("courier/messages", f"courier/messages/{id_}"):
        assert httpx.get(server.public + path).status_code == 404
    moved = httpx.get(f"{server.public}admin/courier/messages")
    assert (moved.status_code, moved.headers["location"]) == (307, f"{server.admin}admin/courier/messages")
