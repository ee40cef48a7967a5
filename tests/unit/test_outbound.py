"""What goes out: tried again when that may help, followed where it redirects, and never to a private address if so told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.receiver import Receiver, Reply
from tests.support.server import PATIENCE

from limen.core import addresses
from limen.core.outbound import Outbound, OutboundError, Retry, TimedOut
from limen.core.target import wanted_pause

QUICK = Retry(3, 0.001, 0.002)


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    outbound = Outbound(limit=1000)
    yield outbound
    await outbound.close()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 599])
async def test_what_may_pass_is_tried_again(receiver: Receiver, outbound: Outbound, status: int) -> None:
    receiver.on("/", Reply(status), Reply(status), Reply(200, b"ok"))
    answer = await outbound.request("POST", receiver.url("/"), body=b"x", retry=QUICK)
    assert (answer.status, answer.body) == (200, b"ok")
    assert [call.body for call in receiver.calls] == [b"x"] * 3


@pytest.mark.parametrize("status", [200, 302, 400, 404, 501])
async def test_what_will_not_pass_is_not(receiver: Receiver, outbound: Outbound, status: int) -> None:
    receiver.on("/", Reply(status), Reply(200))
    assert (await outbound.request("GET", receiver.url("/"), retry=QUICK)).status == status
    assert len(receiver.calls) == 1


async def test_the_last_failure_is_the_answer(receiver: Receiver, outbound: Outbound) -> None:
    receiver.on("/", Reply(503))
    assert (await outbound.request("GET", receiver.url("/"), retry=QUICK)).status == 503
    assert len(receiver.calls) == 3


async def test_the_server_says_when_to_come_back(receiver: Receiver, outbound: Outbound) -> None:
    receiver.on("/", Reply(429, headers={"Retry-After": "86400"}), Reply())
    assert (await outbound.request("GET", receiver.url("/"), retry=QUICK)).status == 200  # but nobody waits for a day


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("7", 7, 7), ("0", 0, 0), ("", 0, 0), (None, 0, 0), ("soon", 0, 0), ("-5", 0, 0), ("1.5", 0, 0), ("²", 0, 0),
        ("9" * 5000, 999_999_999, 999_999_999), ("Fri, 31 Dec 1999 23:59:59 GMT", 0, 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 1e9, 1e12), ("Fri, 99 Dec 1999 23:59:59 GMT", 0, 0), ("1 Jan 9999 00:00:00", 0, 0),
    ],
)  # fmt: skip
def test_when_to_come_back_is_a_number_or_a_date(text: str | None, least: float, most: float) -> None:
    assert least <= wanted_pause(text) <= most


async def test_headers_can_be_made_for_each_attempt(receiver: Receiver, outbound: Outbound) -> None:
    receiver.on("/", Reply(500), Reply())
    made = iter(["one", "two"])
    await outbound.request("GET", receiver.url("/"), each=lambda: {"x-attempt": next(made)}, retry=QUICK)
    assert [call.headers["x-attempt"] for call in receiver.calls] == ["one", "two"]


async def test_nobody_waits_for_ever(receiver: Receiver, outbound: Outbound) -> None:
    receiver.on("/", Reply(after=PATIENCE))
    with pytest.raises(TimedOut):
        await outbound.request("GET", receiver.url("/"), seconds=0.2)


async def test_a_huge_answer_is_refused_or_left_alone(receiver: Receiver, outbound: Outbound) -> None:
    receiver.on("/", Reply(200, b"x" * 3_000_000))
    with pytest.raises(OutboundError, match="more than 1000 bytes"):
        await outbound.request("GET", receiver.url("/"))
    answer = await outbound.request("GET", receiver.url("/"), wants_body=False)
    assert answer.status == 200
    assert len(answer.body) < 3_000_000


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "http://", "http://[::1", "nothing", "http://a:x/", "http://exa mple/"]
)
async def test_what_is_no_address_is_said_to_be_none(outbound: Outbound, url: str) -> None:
    with pytest.raises(OutboundError):
        await outbound.request("GET", url, retry=QUICK)


async def test_secrets_of_an_address_are_sent_and_not_told(receiver: Receiver, outbound: Outbound) -> None:
    host = receiver.url("").removeprefix("http://")
    await outbound.request("GET", f"http://me:pass%20word@{host}/a b?token=s3cret")
    assert receiver.calls[0].headers["authorization"] == "Basic bWU6cGFzcyB3b3Jk"
    assert receiver.calls[0].path == "/a%20b?token=s3cret"
    receiver.on("/a", Reply(after=PATIENCE))
    with pytest.raises(OutboundError) as raised:
        await outbound.request("GET", f"http://me:pass%20word@{host}/a?token=s3cret", seconds=0.1)
    assert "s3cret" not in str(raised.value)
    assert "pass" not in str(raised.value)


# --- redirects --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "method", "body"),
    [(301, "GET", b""), (302, "GET", b""), (303, "GET", b""), (307, "POST", b"x"), (308, "POST", b"x")],
)
async def test_a_redirect_is_followed(
    receiver: Receiver, outbound: Outbound, status: int, method: str, body: bytes
) -> None:
    receiver.on("/a", Reply(status, headers={"Location": "/b?c=d"}))
    await outbound.request("POST", receiver.url("/a"), headers={"x-key": "k"}, body=body or b"x", redirects=10)
    call = receiver.calls[1]
    assert (call.method, call.path, call.body, call.headers["x-key"]) == (method, "/b?c=d", body, "k")


async def test_by_default_a_redirect_is_the_answer(receiver: Receiver, outbound: Outbound) -> None:
    receiver.on("/a", Reply(302, headers={"Location": "/b"}))
    assert (await outbound.request("GET", receiver.url("/a"))).status == 302
    assert receiver.paths() == ["/a"]


async def test_a_circle_ends(receiver: Receiver, outbound: Outbound) -> None:
    receiver.on("/a", Reply(302, headers={"Location": "/a"}))
    with pytest.raises(OutboundError, match="redirects more than 4 times"):
        await outbound.request("GET", receiver.url("/a"), redirects=4, retry=QUICK)
    assert len(receiver.calls) == 5


@pytest.mark.parametrize("to", ["http://[", "ftp://example.org/", "javascript:alert(1)"])
async def test_a_redirect_to_nowhere_is_an_error(receiver: Receiver, outbound: Outbound, to: str) -> None:
    receiver.on("/a", Reply(302, headers={"Location": to}))
    with pytest.raises(OutboundError):
        await outbound.request("GET", receiver.url("/a"), redirects=4, retry=QUICK)


async def test_what_was_meant_for_one_server_is_not_told_to_another(receiver: Receiver, outbound: Outbound) -> None:
    other = Receiver()
    receiver.on("/a", Reply(307, headers={"Location": other.url("/b")}))
    sent = {"Authorization": "Basic x", "X-Api-Key": "k", "Cookie": "key=k", "Content-Type": "application/json"}
    await outbound.request("POST", receiver.url("/a"), headers=sent, body=b"{}", redirects=10)
    assert set(other.calls[0].headers) == {"host", "user-agent", "content-type", "content-length"}
    other.close()


# --- private addresses (attack 81) ---------------------------------------------------------------------------------------

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1",
    "fe80::1%eth0", "fc00::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::10.0.0.1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:db8::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_known(address: str) -> None:
    assert addresses.is_private(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_known(address: str) -> None:
    assert not addresses.is_private(address)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1", "0", "LOCALHOST."],
)
async def test_no_spelling_of_a_private_address_is_called(receiver: Receiver, host: str) -> None:
    outbound = Outbound(refuse_private=True)
    with pytest.raises(OutboundError):
        await outbound.request("GET", f"http://{host}:{receiver.port}/", retry=QUICK)
    assert receiver.calls == []
    await outbound.close()


async def test_a_redirect_to_a_private_address_is_not_followed(receiver: Receiver) -> None:
    inside = Receiver()
    outbound = Outbound(refuse_private=True, exceptions=[receiver.url("/**")])
    receiver.on("/a", Reply(302, headers={"Location": inside.url("/secret")}))
    with pytest.raises(OutboundError, match="private address"):
        await outbound.request("GET", receiver.url("/a"), redirects=10)
    assert inside.calls == []
    inside.close()
    await outbound.close()


async def test_the_address_that_was_checked_is_the_one_called(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the name is public when it is checked, and private when it is asked again."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["192.0.2.1"] if len(asked) == 1 else ["127.0.0.1"]

    monkeypatch.setattr(addresses, "resolve", resolve)
    monkeypatch.setattr(addresses, "is_private", lambda address: address == "127.0.0.1")
    outbound = Outbound(refuse_private=True)
    for _ in range(2):
        with pytest.raises(OutboundError):
            await outbound.request("GET", f"http://evil.example:{receiver.port}/", seconds=0.5)
    assert asked == ["evil.example", "evil.example"]
    assert receiver.calls == []
    await outbound.close()


async def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    async def found(*_: Any, **__: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("1.1.1.1", "10.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found, raising=False)
    outbound = Outbound(refuse_private=True)
    with pytest.raises(OutboundError, match="private address"):
        await outbound.request("GET", "http://both.example/", seconds=0.5)


@pytest.mark.parametrize(
    ("pattern", "url", "fits"),
    [
        ("http://10.0.0.1/hooks", "http://10.0.0.1/hooks?a=b#c", True),
        ("http://10.0.0.1/hooks", "http://10.0.0.1/hooks/more", False),
        ("http://10.0.0.*/hooks", "http://10.0.0.7/hooks", True),
        ("http://10.*/hooks", "http://10.0.0.7/hooks", False),
        ("http://10.**", "http://10.0.0.7/hooks", True),
        ("http://*.internal/**", "http://a.internal/b/c", True),
        ("http://*.internal/**", "http://evil.example/.internal/b", False),
        ("http://{a,b.c}/x", "http://b.c/x", True),
        ("http://[ab]/x", "http://b/x", True),
        ("http://[!ab]/x", "http://b/x", False),
        ("http://a?/x", "http://ab/x", True),
        ("http://a?/x", "http://a./x", False),
        ("http://a+(b)/x", "http://a+(b)/x", True),
    ],
)
def test_exceptions_are_patterns(pattern: str, url: str, fits: bool) -> None:
    assert addresses.is_exception(url, [pattern]) is fits
