"""Queue and deliver mails to a sink on this machine, next to a bare client that sends the same mail to the same sink.

    .venv/bin/python bench/mails.py [--dsn sqlite] [--count 1000] [--out FILE.json]

The server, then the courier, then the bare client run alone on one core (SERVER_CORE, default 0); the sink and the load on
another. Queueing is the whole of it: a person asks for a recovery code, and the message stands in the outbox. Delivering
starts when the courier's process does with a full outbox, and ends when the sink has them all; `cpu_ms` does not count the
courier's start. `× bare` is the CPU of a delivered mail as a multiple of the bare client's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parent))
from load import LOAD_CORE, Connection, call, cpu_seconds, measure
from run import CORE, config, started

ADDRESS = "p{}@example.com"
PATIENCE = 300.0  # seconds until a courier that delivers nothing more is a failure


# --- the sink: takes every mail, and counts -----------------------------------------------------------------------------


class Sink:
    """As little of RFC 5321 as a client needs. `RESET` sets the count to nothing, `COUNT` tells it."""

    def __init__(self) -> None:
        self.count = 0
        self.last = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                self.last = await reader.readuntil(b"\r\n.\r\n")
                self.count += 1
            elif word == b"COUN":
                writer.write(b"%d\n" % self.count)
                continue
            elif word == b"LAST":
                writer.write(b"%d\n" % len(self.last) + self.last)
                continue
            elif word == b"RESE":
                self.count = 0
            writer.write(b"221 bye\r\n" if word == b"QUIT" else b"250 OK\r\n")
            if word == b"QUIT":
                break
        writer.close()


async def sink(port: int) -> None:
    server = await asyncio.start_server(Sink().serve, "127.0.0.1", port, limit=2**24)
    await server.serve_forever()


async def ask(port: int, word: bytes) -> bytes:
    """What the sink answers to one of its own words."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    await reader.readline()
    writer.write(word + b"\r\n")
    answer = await reader.readline()
    if word == b"LAST":
        answer = await reader.readexactly(int(answer))
    writer.close()
    return answer


def delivered(port: int) -> int:
    return int(asyncio.run(ask(port, b"COUNT")))


# --- the bare client ----------------------------------------------------------------------------------------------------


async def send_bare(port: int, count: int) -> None:
    """Send the sink's last mail again and again, over one connection, with the library that Limen uses."""
    import aiosmtplib  # noqa: PLC0415 - only this process needs it

    mail = (await ask(port, b"LAST")).removesuffix(b"\r\n.\r\n")
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False)
    await client.connect()
    cpu, begun = _cpu(), time.perf_counter()
    for number in range(count):
        await client.mail("no-reply@example.com")
        await client.rcpt(ADDRESS.format(number))
        await client.data(mail)
    wall, spent = time.perf_counter() - begun, _cpu() - cpu
    await client.quit()
    print(json.dumps({"per_s": count / wall, "cpu_ms": 1000 * spent / count, "bytes": len(mail)}))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


# --- Limen --------------------------------------------------------------------------------------------------------------


def configured(work: Path, dsn: str, public: int, smtp: int) -> Path:
    made = config(work, dsn, public)
    made["selfservice"]["flows"]["recovery"] = {"enabled": True}
    made["courier"]["smtp"]["connection_uri"] = f"smtp://127.0.0.1:{smtp}/?disable_starttls=true"
    path = work / "limen.yml"
    path.write_text(yaml.safe_dump(made))
    return path


def import_people(admin: str, count: int) -> None:
    for start in range(0, count, 1000):
        people = [
            {"create": {"schema_id": "default", "traits": {"email": ADDRESS.format(number)}}}
            for number in range(start, min(count, start + 1000))
        ]
        status, _, body = call(admin, "PATCH", "/admin/identities", {"identities": people})
        assert status == 200, body


def asking() -> Callable[[Connection, int], Any]:
    """One person after the other asks for a recovery code."""

    async def operation(connection: Connection, number: int) -> Any:
        _, _, flow = await connection.request("GET", "/self-service/recovery/api")
        path = "/self-service/recovery?flow=" + json.loads(flow)["id"]
        body = {"method": "code", "email": ADDRESS.format(number)}
        return (await connection.request("POST", path, body))[0]

    return operation


async def queue(public: str, count: int) -> dict[str, Any]:
    operation, connections = asking(), [Connection(public) for _ in range(32)]
    numbers, statuses = iter(range(count)), set()

    async def worker(connection: Connection) -> None:
        for number in numbers:
            statuses.add(await operation(connection, number))
        connection.close()

    begun = time.perf_counter()
    await asyncio.gather(*map(worker, connections))
    assert statuses == {200}, statuses
    return {"n": count, "per_s": count / (time.perf_counter() - begun)}


def deliver(file: Path, smtp: int, count: int, log: Any) -> dict[str, Any]:
    """From the courier's first delivery to its last."""
    command = ["taskset", "-c", CORE, sys.executable, "-m", "limen.cli", "courier", "watch", "-c", str(file)]
    courier = subprocess.Popen([*command, "--expose-metrics-port", "0"], stdout=log, stderr=log, cwd=file.parent)
    try:
        end = time.perf_counter() + PATIENCE
        while not (first := delivered(smtp)):
            _check(courier, end)
        cpu, begun = cpu_seconds(courier.pid), time.perf_counter()
        while (last := delivered(smtp)) < count:
            _check(courier, end)
        wall, spent = time.perf_counter() - begun, cpu_seconds(courier.pid) - cpu
        time.sleep(1)
        assert delivered(smtp) == count, "some were sent twice"
        return {"per_s": (last - first) / wall, "cpu_ms": 1000 * spent / (last - first)}
    finally:
        courier.terminate()
        courier.wait(30)


def _check(courier: subprocess.Popen[bytes], end: float) -> None:
    assert courier.poll() is None, "the courier stopped"
    assert time.perf_counter() < end, "nothing more is delivered"
    time.sleep(0.02)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsn", default="sqlite")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--port", type=int, default=14443)
    parser.add_argument("--out")
    parser.add_argument("--part", choices=("sink", "bare"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    smtp = given.port + 5
    if given.part:
        asyncio.run(sink(smtp) if given.part == "sink" else send_bare(smtp, given.count))
        return
    work = Path(tempfile.mkdtemp(prefix="bench-"))
    dsn = f"sqlite://{work}/db.sqlite" if given.dsn == "sqlite" else given.dsn
    file = configured(work, dsn, given.port, smtp)
    public, admin = f"http://127.0.0.1:{given.port}", f"http://127.0.0.1:{given.port + 1}"
    own = [sys.executable, __file__, "--port", str(given.port), "--count", str(given.count)]
    results: dict[str, Any] = {}
    with (work / "log").open("wb") as log:
        taking = subprocess.Popen(["taskset", "-c", LOAD_CORE, *own, "--part", "sink"], stdout=log, stderr=log)
        try:
            program = [sys.executable, "-m", "limen.cli"]
            subprocess.run([*program, "migrate", "sql", "up", "-e", "--yes", "-c", str(file)], check=True, stdout=log)
            server, _ = started([*program, "serve", "-c", str(file)], public, log, work)
            import_people(admin, given.count)
            os.sched_setaffinity(0, {int(LOAD_CORE)})
            results["queue"] = measure(server.pid, lambda: asyncio.run(queue(public, given.count)), 1)
            server.terminate()
            server.wait(30)
            results["deliver"] = deliver(file, smtp, given.count, log)
            bare = subprocess.run(["taskset", "-c", CORE, *own, "--part", "bare"], check=True, capture_output=True)
            results["bare"] = json.loads(bare.stdout)
        finally:
            taking.terminate()
            taking.wait(10)
    for name in ("queue", "deliver", "bare"):
        figure, times = results[name], results[name]["cpu_ms"] / results["bare"]["cpu_ms"]
        print(f"{name:8} {figure['per_s']:8.1f}/s  cpu {figure['cpu_ms']:7.3f} ms  {times:5.1f} × bare")
    if given.out:
        Path(given.out).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
