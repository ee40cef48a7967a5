"""The outbox: shared by couriers without anything being lost, or sent twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from limen.courier import deliver
from tests.conftest import Start, new_dsn
from tests.courier.conftest import MailServer, message, messages, settled, sign_up
from tests.support.direct import ask
from tests.support.process import PROGRAM, configured, environment, until
from tests.support.server import PATIENCE, LiveServer, merge

Couriers = list["subprocess.Popen[bytes]"]


def import_and_ask(server: LiveServer, count: int) -> list[str]:
    """As many messages as that: people are made, and ask for a recovery code."""
    people = [f"p{number}@example.org" for number in range(count)]
    with httpx.Client() as http:
        for address in people:
            assert http.post(
                f"{server.admin}admin/identities", json={"schema_id": "default", "traits": {"email": address}}
            )
            flow = http.get(f"{server.public}self-service/recovery/api").json()
            answer = http.post(flow["ui"]["action"], json={"method": "code", "email": address})
            assert answer.status_code == 200, answer.text
    return people


def recovering(mails: MailServer) -> dict[str, object]:
    return merge(mails.config, {"selfservice": {"flows": {"recovery": {"enabled": True}}}})


def test_servers_share_the_queue(start: Start, mails: MailServer) -> None:
    over = recovering(mails)
    servers = [start(over, watch_courier=True) for _ in range(3)]
    people = import_and_ask(servers[0], 20)
    until(lambda: len(mails.mails) >= len(people))
    until(lambda: messages(servers[0], status="sent", page_size=50)[len(people) - 1 :])
    assert Counter(str(mail["To"]) for mail in mails.mails) == Counter(people)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mail servers count as quick, however busy the machine is: one message at a time is under way."""
    monkeypatch.setattr(deliver, "PATIENCE", 3600.0)


@pytest.mark.usefixtures("quick")
def test_connections_are_used_again(start: Start, mails: MailServer) -> None:
    over = recovering(mails)
    waiting = start(over)
    people = import_and_ask(waiting, 20)
    start(over, watch_courier=True)
    until(lambda: len(mails.mails) >= len(people))
    assert mails.connections == 1, "one is enough as long as the server answers quickly"


@pytest.mark.usefixtures("quick")
def test_messages_go_out_in_the_order_they_came(start: Start, mails: MailServer) -> None:
    over = recovering(mails)
    people = import_and_ask(start(over), 8)
    start(over, watch_courier=True)
    until(lambda: len(mails.mails) >= len(people))
    assert [str(mail["To"]) for mail in mails.mails] == people


def test_nothing_is_sent_of_what_was_undone(start: Start, mails: MailServer) -> None:
    server = start(recovering(mails), watch_courier=True)
    sign_up(server)
    mails.wait("ann@example.org")
    flow = httpx.get(f"{server.public}self-service/registration/api").json()
    taken = {"method": "password", "password": "correct-horse-battery-1", "traits": {"email": "ann@example.org"}}
    for _ in range(2):
        assert httpx.post(flow["ui"]["action"], json=taken).status_code == 400
    assert len(messages(server)) == 1


def test_a_message_is_forgotten_once_it_is_sent(start: Start, mails: MailServer) -> None:
    server = start(mails.config, watch_courier=True, prepare=lambda app: setattr(app, "dev", False))
    sign_up(server)
    mails.wait("ann@example.org")
    settled(server, "sent")
    assert [row[0] for row in ask(server.app.config.dsn, "select data from messages")] == ["{}"], "it held a code"


def test_a_message_that_ends_its_courier_is_given_up(start: Start, mails: MailServer) -> None:
    over = recovering(mails)
    waiting = start(over)
    import_and_ask(waiting, 1)
    ask(waiting.app.config.dsn, "update messages set send_count = 6")  # each of them ended without an outcome
    courier = start(over, watch_courier=True)
    found = settled(courier, "abandoned", "p0@example.org")
    assert "ended without an outcome" in found["dispatches"][0]["error"]["message"]
    assert mails.mails == []


@pytest.fixture
def couriers() -> Iterator[Couriers]:
    started: Couriers = []
    yield started
    for one in started:
        one.kill()
        one.wait()


ONE_AT_A_TIME = """
from limen.courier import deliver
deliver.PATIENCE = 3600
from limen.cli import main
main()
"""


def watch(file: str, couriers: Couriers, *, patient: bool = False) -> subprocess.Popen[bytes]:
    """`limen courier watch`, in a process of its own.

    :param patient: a mail server counts as quick, however busy the machine is
    """
    program = (sys.executable, "-c", ONE_AT_A_TIME) if patient else PROGRAM
    words = (*program, "courier", "watch", "-c", file, "--expose-metrics-port", "0")
    log = Path(file).with_suffix(f".{len(couriers)}.log").open("wb")
    with log:
        couriers.append(subprocess.Popen(words, env=environment(), stdout=log, stderr=log))
    return couriers[-1]


@pytest.mark.slow
def test_a_courier_that_is_killed_loses_nothing_and_sends_nothing_twice(
    start: Start, mails: MailServer, database: str, tmp_path: Path, couriers: Couriers
) -> None:
    over = recovering(mails)
    server = start(over)
    people = import_and_ask(server, 24)
    file = configured(tmp_path, server.app.config.dsn, over)
    mails.stall.add("p11@example.org")
    mails.stall.add("p12@example.org")
    first = watch(file, couriers)
    until(lambda: len(mails.mails) >= 12)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    under_way = {m["recipient"] for m in messages(server, status="processing", page_size=50)}
    mails.stall.clear()
    second = watch(file, couriers)
    until(lambda: len({str(mail["To"]) for mail in mails.mails}) == len(people))
    until(lambda: messages(server, status="sent", page_size=50)[len(people) - 1 :])
    twice = [address for address, times in Counter(str(mail["To"]) for mail in mails.mails).items() if times > 1]
    assert set(twice) <= under_way, "only what was taken when nobody could write it down any more"
    os.kill(second.pid, signal.SIGTERM)
    assert second.wait(PATIENCE) == 0


def multiply(server: LiveServer, count: int) -> list[str]:
    """As many messages as that in the outbox, made of one."""
    [first] = import_and_ask(server, 1)
    others = [f"many{number}@example.org" for number in range(count - 1)]
    values = ", ".join(f"('{uuid.uuid4()}', '{address}')" for address in others)
    ask(
        server.app.config.dsn,
        f"""
        with many (id, recipient) as (values {values})
        insert into messages (project_id, id, status, channel, recipient, template, data, origin, send_count, due_at,
                              created_at, updated_at)
        select project_id, many.id, status, channel, many.recipient, template, data, origin, send_count, due_at,
               created_at, updated_at
          from messages cross join many
        """,
    )
    return [first, *others]


@pytest.mark.slow
def test_a_courier_killed_amid_a_thousand_messages_repeats_only_what_it_could_not_write_down(
    start: Start, mails: MailServer, tmp_path: Path, couriers: Couriers
) -> None:
    over = recovering(mails)
    server = start(over)
    people = multiply(server, 1000)
    file = configured(tmp_path, server.app.config.dsn, over)
    first = watch(file, couriers, patient=True)
    until(lambda: len(mails.mails) >= 500)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    until(lambda: mails.is_left)  # what the mail server has read by now, it keeps
    written = {row[0] for row in ask(server.app.config.dsn, "select recipient from messages where status = 'sent'")}
    in_flight = {str(mail["To"]) for mail in mails.mails} - written
    assert len(in_flight) <= 1
    second = watch(file, couriers)
    until(lambda: len({str(mail["To"]) for mail in mails.mails}) == len(people))
    until(lambda: ask(server.app.config.dsn, "select count(*) from messages where status <> 'sent'")[0][0] == 0)
    sent = Counter(str(mail["To"]) for mail in mails.mails)
    assert sent.keys() == set(people)
    assert {address for address, times in sent.items() if times > 1} == in_flight
    os.kill(second.pid, signal.SIGTERM)
    assert second.wait(PATIENCE) == 0


@pytest.mark.slow
def test_a_courier_that_is_stopped_gives_back_what_it_holds(
    start: Start, mails: MailServer, tmp_path: Path, couriers: Couriers
) -> None:
    over = recovering(mails)
    server = start(over)
    import_and_ask(server, 6)
    mails.stall |= {f"p{number}@example.org" for number in range(6)}
    stopped = watch(configured(tmp_path, server.app.config.dsn, over), couriers)
    until(lambda: messages(server, status="processing"))
    os.kill(stopped.pid, signal.SIGTERM)
    assert stopped.wait(PATIENCE) == 0
    assert messages(server, status="processing") == []
    told = [message(server, one["id"])["dispatches"] for one in messages(server)]
    assert {one["error"]["message"] for attempts in told for one in attempts} == {
        "the courier was stopped before there was an answer"
    }
    mails.stall.clear()
    start(over, watch_courier=True)
    until(lambda: len(mails.mails) == 6)
    assert len({str(mail["To"]) for mail in mails.mails}) == 6


@pytest.mark.slow
def test_a_courier_of_a_database_that_is_behind_says_so(tmp_path: Path, mails: MailServer) -> None:
    dsn = new_dsn("sqlite", tmp_path)
    over = merge(mails.config, {"limen": {"database": {"auto_migrate": False}}})
    words = (*PROGRAM, "courier", "watch", "-c", configured(tmp_path, dsn, over))
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert "Run `limen migrate sql up" in done.stderr
