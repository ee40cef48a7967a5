"""Whether the time of an answer tells who has an account: asks for a code or a link for a known and an unknown address.

    .venv/bin/python bench/recovery_timing.py [--dsn sqlite] [--flow recovery] [--samples 1000] [--courier] [--out FILE.json]

One connection, one request after the other, in random order, each in a form of its own; only the request that names the
address is timed. Prints both medians, their difference with a 95 % interval (by bootstrap), and the Mann-Whitney U test: `auc`
is how often a known address took longer than an unknown one (0.5: one learns nothing), `p` how likely a difference as large
comes about by chance. `--courier` lets the server deliver at the same time, to a mail server on this machine, as the work for
a known address goes on after its answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parent))
from load import LOAD_CORE, Connection, call
from run import config, started

KNOWN, UNKNOWN = "known", "unknown"
LENGTH = 12  # letters of every address, so that no answer is longer than another
WARM_UP = 50
FLOWS = {"recovery": "email", "verification": "email", "login": "identifier"}


def ranks(values: Sequence[float]) -> list[float]:
    """The rank of each value, from 1; equal values share the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for place in order[start : end + 1]:
            found[place] = (start + end) / 2 + 1
        start = end + 1
    return found


def mann_whitney(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    """How often a value of `a` is larger than one of `b`, and the two-sided p of that by the normal approximation."""
    found = ranks([*a, *b])
    n, m = len(a), len(b)
    u = sum(found[:n]) - n * (n + 1) / 2
    spread = math.sqrt(n * m * (n + m + 1) / 12)
    return u / (n * m), math.erfc(abs(u - n * m / 2) / spread / math.sqrt(2))


def interval(a: Sequence[float], b: Sequence[float], rounds: int = 1000) -> tuple[float, float]:
    """The middle 95 % of the differences of medians, drawn again and again."""
    chance = random.Random(1)
    drawn = sorted(
        statistics.median(chance.choices(a, k=len(a))) - statistics.median(chance.choices(b, k=len(b)))
        for _ in range(rounds)
    )
    return drawn[int(0.025 * rounds)], drawn[int(0.975 * rounds)]


def address() -> str:
    return "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=LENGTH)) + "@example.com"


def configured(work: Path, dsn: str, public: int, smtp: int) -> Path:
    made = config(work, dsn, public)
    made["selfservice"]["flows"] |= {name: {"enabled": True} for name in ("recovery", "verification")}
    made["selfservice"]["methods"]["code"] = {"enabled": True, "passwordless_enabled": True}
    made["security"] = {"account_enumeration": {"mitigate": True}}
    made["courier"]["smtp"]["connection_uri"] = f"smtp://127.0.0.1:{smtp}/?disable_starttls=true"
    schema = json.loads((work / "person.schema.json").read_text())
    email = schema["properties"]["traits"]["properties"]["email"]["ory.sh/kratos"]
    email["credentials"]["code"] = {"identifier": True, "via": "email"}
    (work / "person.schema.json").write_text(json.dumps(schema))
    path = work / "limen.yml"
    path.write_text(yaml.safe_dump(made))
    return path


def import_people(admin: str, count: int) -> list[str]:
    people = [address() for _ in range(count)]
    for start in range(0, count, 1000):
        some = people[start : start + 1000]
        wanted = [{"create": {"schema_id": "default", "traits": {"email": email}}} for email in some]
        status, _, body = call(admin, "PATCH", "/admin/identities", {"identities": wanted})
        assert status == 200, body
    return people


async def sample(public: str, kind: str, people: Sequence[str], count: int) -> dict[str, list[float]]:
    """Seconds of each answer. Known and unknown in random order, each address asked about once."""
    todo = [(KNOWN, email) for email in people] + [(UNKNOWN, address()) for _ in people]
    random.shuffle(todo)
    taken: dict[str, list[float]] = {KNOWN: [], UNKNOWN: []}
    connection = Connection(public)
    for number, (which, email) in enumerate(todo):
        _, _, flow = await connection.request("GET", f"/self-service/{kind}/api")
        path = f"/self-service/{kind}?flow=" + json.loads(flow)["id"]
        begun = time.perf_counter()
        await connection.request("POST", path, {"method": "code", FLOWS[kind]: email})
        if number >= WARM_UP:
            taken[which].append(time.perf_counter() - begun)
    connection.close()
    return {which: found[:count] for which, found in taken.items()}


def judged(taken: dict[str, list[float]]) -> dict[str, Any]:
    known, unknown = taken[KNOWN], taken[UNKNOWN]
    auc, p = mann_whitney(known, unknown)
    low, high = interval(known, unknown)
    medians = {which: 1000 * statistics.median(found) for which, found in taken.items()}
    return {
        "n": len(known), "known_ms": medians[KNOWN], "unknown_ms": medians[UNKNOWN],
        "difference_ms": medians[KNOWN] - medians[UNKNOWN], "low_ms": 1000 * low, "high_ms": 1000 * high, "auc": auc, "p": p,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsn", default="sqlite")
    parser.add_argument("--flow", choices=FLOWS, default="recovery")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--courier", action="store_true")
    parser.add_argument("--port", type=int, default=14453)
    parser.add_argument("--out")
    given = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="bench-"))
    dsn = f"sqlite://{work}/db.sqlite" if given.dsn == "sqlite" else given.dsn
    smtp = given.port + 5
    file = configured(work, dsn, given.port, smtp)
    public, admin = f"http://127.0.0.1:{given.port}", f"http://127.0.0.1:{given.port + 1}"
    program = [sys.executable, "-m", "limen.cli"]
    with (work / "log").open("wb") as log:
        mails = Path(__file__).with_name("mails.py")
        sink = subprocess.Popen(
            ["taskset", "-c", LOAD_CORE, sys.executable, str(mails), "--port", str(smtp - 5), "--part", "sink"],
            stdout=log,
            stderr=log,
        )
        try:
            subprocess.run([*program, "migrate", "sql", "up", "-e", "--yes", "-c", str(file)], check=True, stdout=log)
            more = ["--watch-courier"] if given.courier else []
            server, _ = started([*program, "serve", "-c", str(file), *more], public, log, work)
            try:
                people = import_people(admin, given.samples + WARM_UP)
                os.sched_setaffinity(0, {int(LOAD_CORE)})
                found = judged(asyncio.run(sample(public, given.flow, people, given.samples)))
            finally:
                server.terminate()
                server.wait(30)
        finally:
            sink.terminate()
            sink.wait(10)
    print(f"{given.flow}: known {found['known_ms']:.2f} ms, unknown {found['unknown_ms']:.2f} ms, difference "
          f"{found['difference_ms']:+.3f} ms ({found['low_ms']:+.3f} to {found['high_ms']:+.3f}), "
          f"auc {found['auc']:.3f}, p {found['p']:.2g}, n {found['n']} each")  # fmt: skip
    if given.out:
        Path(given.out).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
