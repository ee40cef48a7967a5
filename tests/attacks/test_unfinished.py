"""Attacks below HTTP's meaning: requests that never end, heads of any size, bodies that break off, trailers as headers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import pytest

from limen import app as program
from limen.http import bounds
from limen.listen import Listener, bind
from tests.support.callers import JSON, PASSWORD, Caller
from tests.support.process import free_port, until
from tests.support.server import LiveServer

MEGABYTE = b"a" * 1_000_000
BEGUN = b"GET /health/alive HTTP/1.1\r\nhost: 127.0.0.1\r\n"
CHUNKED = b"POST /self-service/login HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n"
PART = 2 * bounds.PACE
MUCH = b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: %d\r\n\r\n" % (2 * PART) + b"x" * PART


@contextmanager
def connected(server: LiveServer) -> Iterator[socket.socket]:
    where = urlsplit(server.public)
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=60) as opened:
        yield opened


def told(opened: socket.socket, sent: bytes) -> bytes:
    """What the server answers until it closes, which it may do before everything was sent."""
    answer = b""
    try:
        opened.sendall(sent)
        while part := opened.recv(4096):
            answer += part
    except ConnectionError:
        pass
    return answer


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /health/alive?" + MEGABYTE + b" HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n",
        BEGUN + b"x: " + MEGABYTE + b"\r\nconnection: close\r\n\r\n",
        BEGUN + b"x: y\r\n" * 200_000 + b"connection: close\r\n\r\n",
        CHUNKED + b"0\r\nx: " + MEGABYTE + b"\r\n\r\n",
        CHUNKED + b"1;" + MEGABYTE + b"\r\na\r\n0\r\n\r\n",
    ],
    ids=["address", "header", "many headers", "trailer", "chunk extension"],
)
def test_99_a_request_has_no_more_of_a_head_than_it_needs(server: LiveServer, sent: bytes) -> None:
    with connected(server) as opened:
        assert b"HTTP/1.1 200" not in told(opened, sent)
    assert httpx.get(server.public + "health/alive").status_code == 200


def test_82_a_trailer_is_no_header(server: LiveServer) -> None:
    ann = Caller(server, "app")
    ann.sign_up()
    head = b"DELETE /sessions HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    with connected(server) as opened:
        answer = told(opened, head + b"0\r\nx-session-token: " + ann.token.encode() + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 401")


def test_99_a_body_that_breaks_off_is_not_taken_for_a_whole_one(server: LiveServer) -> None:
    flow = httpx.get(server.public + "self-service/registration/api", headers=JSON).json()
    action = urlsplit(flow["ui"]["action"])
    form = f"method=password&traits.email=ann@example.org&password={PASSWORD}".encode()
    head = (
        f"POST {action.path}?{action.query} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(form) + 9}\r\n"
        "content-type: application/x-www-form-urlencoded\r\naccept: application/json\r\n\r\n"
    )
    with connected(server) as opened:
        opened.sendall(head.encode() + form)
    until(lambda: _answered(server))
    assert httpx.get(server.admin + "admin/identities").json() == []


def _answered(server: LiveServer) -> bool:
    lines = httpx.get(server.admin + "admin/metrics/prometheus").text.splitlines()
    return any('"/self-service/registration"' in line and '"post"' in line for line in lines)


def test_99_who_never_comes_to_an_end_is_not_waited_for() -> None:
    asyncio.run(_slow_and_idle())


async def _slow_and_idle() -> None:
    """Of six connections one has nothing under way when the server looks, and one sends much; both may go on."""
    door = Listener("public", "127.0.0.1", free_port())
    server = program.server(door, _nothing_here)
    serving = asyncio.create_task(server.serve(sockets=[opened := bind(door)]))
    opened.listen()
    callers = [await asyncio.open_connection(door.host, door.port) for _ in range(6)]
    whole = BEGUN + b"\r\n"
    for (reader, writer), sent in zip(
        callers, (b"", BEGUN, CHUNKED + b"5\r\nab", whole, whole + BEGUN, MUCH), strict=True
    ):
        writer.write(sent)
        if sent.startswith(whole):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
    while len(server.server_state.connections) < len(callers):  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0)
    while not any(cast(Any, one).received >= PART for one in server.server_state.connections):  # noqa: ASYNC110
        await asyncio.sleep(0)
    bounds.end_late(server.server_state.connections, asyncio.get_running_loop().time() + bounds.PATIENCE + 1)
    assert [await _is_over(reader) for reader, _ in (*callers[:3], callers[4])] == [True] * 4
    for (reader, writer), rest in ((callers[3], whole), (callers[5], b"x" * PART)):
        writer.write(rest)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
    for _, writer in callers:
        writer.close()
        await writer.wait_closed()
    server.end()
    await serving


async def _is_over(reader: asyncio.StreamReader) -> bool:
    return b"HTTP" not in await reader.read()


async def _nothing_here(_: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})
