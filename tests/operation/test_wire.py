"""How answers leave: whole, in order, and no faster than they are read."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx

from tests.support.server import PATIENCE, LiveServer

ALIVE = b"GET /health/alive HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
LAST = b"GET /health/alive HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
DOCUMENT = b"GET /openapi.json HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"


@contextmanager
def connected(server: LiveServer) -> Iterator[socket.socket]:
    where = urlsplit(server.public)
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=PATIENCE) as opened:
        yield opened


def rest(opened: socket.socket) -> bytes:
    """What comes until the server closes."""
    parts = []
    while part := opened.recv(4096):
        parts.append(part)
    return b"".join(parts)


def test_requests_sent_at_once_are_answered_in_order(server: LiveServer) -> None:
    with connected(server) as opened:
        opened.sendall(ALIVE * 20 + LAST)
        answers = rest(opened).split(b"HTTP/1.1 ")[1:]
    assert len(answers) == 21
    assert all(answer.startswith(b"200 OK") and answer.endswith(b'{"status":"ok"}\n') for answer in answers)


def test_an_answer_comes_before_its_connection_closes(server: LiveServer) -> None:
    whole = httpx.get(server.public + "openapi.json").content
    with connected(server) as opened:
        opened.sendall(DOCUMENT)
        head, _, body = rest(opened).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert body == whole


def test_who_reads_slowly_gets_everything(server: LiveServer) -> None:
    whole = httpx.get(server.public + "openapi.json").content
    with connected(server) as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.sendall(DOCUMENT.replace(b"connection: close\r\n", b"") * 5 + DOCUMENT)
        time.sleep(0.2)  # what fits into buffers has come; the rest waits for the reader
        came = rest(opened)
    assert came.count(whole) == 6


def test_who_leaves_in_between_hurts_nobody(server: LiveServer) -> None:
    for _ in range(20):
        with connected(server) as opened:
            opened.sendall(DOCUMENT)
    assert httpx.get(server.public + "health/alive").json() == {"status": "ok"}
