"""What operators ask of a running server, with many people and a long audit log: CPU of the server for each request.

    SERVER_CMD="limen serve -c {config} --dev" python bench/operators.py --dsn sqlite [--people 100000] [--entries 300000]

--dsn: `sqlite` (a file in a scratch folder), a file (sqlite:///…), or a PostgreSQL URL. A database without people is filled
first, like that of fill.py, with an audit log of two months besides. CPU is that of the server's process, the median of
several rounds. With `--database PID`, PostgreSQL's own process on this machine, that of the database is told, too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shlex
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import yaml
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parent))
from fill import fill
from load import process_tree
from run import PASSWORD, config, started

from limen.app import App
from limen.audit import record, seal
from limen.context import Client
from limen.core import clock, configload
from limen.core.config import Config
from limen.db import migrate
from limen.identity import listing, store
from limen.project import operators
from limen.settings import data_source

DAYS = 60
BATCH = 2000
# What is in an audit log, by how much of it.
ACTIONS = {
    "auth.login": 70, "auth.login.failed": 12, "auth.logout": 6, "auth.register": 5, "auth.verification": 3,
    "auth.recovery": 1.5, "auth.settings.profile": 1, "auth.settings.password": 0.5, "auth.mfa.totp.setup": 0.5,
    "auth.identity.update": 0.3, "auth.identity.state": 0.1, "auth.identity.ban": 0.1,
}  # fmt: skip
AGENTS = [
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
    for system in ("X11; Linux x86_64", "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7")
    for version in (137, 138)
]


# --- the database -------------------------------------------------------------------------------------------------------


async def prepare(own: Config, people: int, entries: int) -> None:
    """Fill a database without people, and appoint an operator: the first person of the list who has a password."""
    driver = await data_source(own.dsn, own).open()
    await migrate.up(driver)
    await driver.close()
    app = App(own, dev=True)
    await app.open()
    is_empty = not await listing.count(app.site.database())
    await app.stop()
    if is_empty:
        await fill(own, people, people, 1)
        await write_log(own, entries)


async def write_log(own: Config, entries: int) -> None:
    app = App(own, dev=True)
    await app.open()
    db, chance, now = app.site.database(), random.Random(2), clock.now()
    page = await listing.page(db, "0", 20_000)
    them = [one.identity() for one in page]
    owner = next(one for one in them if "password" in one.credentials and one.is_active)
    commit = db.begin()
    operators.appoint(commit, owner.id, "owner", clock.text(now), "")
    await db.commit(commit)
    actions, weights = list(ACTIONS), list(ACTIONS.values())
    moments = sorted(chance.uniform(0, DAYS * 86400) for _ in range(entries))[::-1]
    for start in range(0, entries, BATCH):
        commits = []
        for ago in moments[start : start + BATCH]:
            client = Client(
                url="", ip=f"192.0.2.{chance.randrange(256)}", user_agent=chance.choice(AGENTS),
                request_id=f"{chance.randrange(16**16):016x}",
            )  # fmt: skip
            ctx = replace(app.site.context(client), now=clock.parse(clock.after(now, -ago)))
            action = chance.choices(actions, weights)[0]
            commits.append(db.begin())
            outcome = "failure" if action.endswith("failed") else "success"
            record.record(commits[-1], ctx, action, chance.choice(them), outcome=outcome, method="password", aal="aal1")
        await db.insert_each(commits)
    while await seal.seal_some(db, app.site.project.keys):
        pass
    print(f"{entries} audit entries")
    await app.stop()


async def somebody(own: Config) -> tuple[str, list[Any]]:
    """The operator's address, and some people and entries to look for."""
    app = App(own, dev=True)
    await app.open()
    db = app.site.database()
    owner = await store.by_id(db, (await operators.everybody(db))[0].identity_id)
    people = [one.identity() for one in await listing.page(db, "0", 400)]
    await app.stop()
    return owner.called if owner else "", [one for one in people if "name" in one.traits][
        :40
    ]  # of this script's imports none


# --- measuring ----------------------------------------------------------------------------------------------------------


def cpu_ms(pid: int) -> float:
    """What the process has used so far, in all its threads; the kernel counts nanoseconds."""
    spent = 0
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            spent += int((task / "schedstat").read_text().split()[0])
    except OSError:
        pass  # it ended
    return spent / 1e6


class Meter:
    """`database` is the process of a PostgreSQL on this machine; 0: there is none."""

    def __init__(self, pid: int, database: int, rounds: int) -> None:
        self.pid, self.database, self.rounds = pid, database, rounds
        self.found: dict[str, dict[str, float]] = {}

    def measure(self, name: str, each: Callable[[int], Any], *, times: int = 20, per: float = 1) -> None:
        """Do it some times a round. `per`: for how many people each time is."""
        each(0)
        cpu, theirs, wall = [], [], []
        for turn in range(self.rounds):
            before, theirs_before, begun = cpu_ms(self.pid), self._theirs(), time.perf_counter()
            for number in range(times):
                each(turn * times + number + 1)
            wall.append(1000 * (time.perf_counter() - begun) / times / per)
            cpu.append((cpu_ms(self.pid) - before) / times / per)
            theirs.append((self._theirs() - theirs_before) / times / per)
        told = self.found[name] = {
            "cpu_ms": statistics.median(cpu), "database_ms": statistics.median(theirs), "wall_ms": statistics.median(wall),
        }  # fmt: skip
        rate = f"  {1000 / told['wall_ms']:9.0f}/s" if per > 1 else ""
        shown = "".join(f"{told[kind]:9.3f} ms {kind[:-3]}" for kind in told)
        print(f"{name:40}{shown}{rate}", flush=True)

    def _theirs(self) -> float:
        return sum(map(cpu_ms, process_tree(self.database))) if self.database else 0.0


def read_everything(server: httpx.Client, path: str, query: Mapping[str, str]) -> None:
    with server.stream("GET", path, params=query) as answer:
        answer.raise_for_status()
        for _ in answer.iter_raw():
            pass


def look(meter: Meter, server: httpx.Client, people: list[Any]) -> None:
    def get(path: str, **query: str) -> Any:
        answer = server.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def one(number: int) -> Any:
        return people[number % len(people)]

    person, log = "/api/auth/identities", "/api/auth/audit-logs"
    history = "/api/auth/login-history"
    meter.measure("people: first page of 100", lambda _: get(person))
    token = get(person)["pagination"]["next"]
    meter.measure("people: second page", lambda _: get(person, page_token=token))
    meter.measure("people: search, whole address", lambda n: get(person, search=one(n).called))
    meter.measure("people: search, last name", lambda n: get(person, search=one(n).traits["name"]["last"]))
    meter.measure("people: search, three letters", lambda n: get(person, search=one(n).called[:3]))
    meter.measure("people: inactive", lambda _: get(person, state="inactive"))
    meter.measure("people: last to sign in", lambda _: get(person, sort="-last_login_at"))
    meter.measure("figures of the overview", lambda _: get("/api/auth/stats"))
    for name, path in (("sign-ins", history), ("audit log", log)):
        meter.measure(f"{name}: first page of 100", lambda _, path=path: get(path))
        token = get(path, limit="500", offset="10000")["pagination"]["next"]
        meter.measure(f"{name}: after 10,500 by cursor", lambda _, path=path, token=token: get(path, page_token=token))
        meter.measure(f"{name}: after 10,000 by offset", lambda _, path=path: get(path, offset="10000"))
        meter.measure(f"{name}: of an address", lambda n, path=path: get(path, search=one(n).called))
        meter.measure(f"{name}: of a person", lambda n, path=path: get(path, identity_id=one(n).id))
        since = clock.after(clock.now(), -30 * 86400)
        meter.measure(f"{name}: older than a month", lambda _, path=path, since=since: get(path, to=since))
    meter.measure("sign-ins: refused", lambda _: get(history, success="false"))
    meter.measure("audit log: auth.identity.*", lambda _: get(log, action="auth.identity.*"))
    requests = [entry["request_id"] for entry in get(log, limit="100", offset="5000")["logs"]]
    meter.measure("audit log: a request", lambda n: get(log, search=requests[n % 100]))
    meter.measure("audit log: nothing found", lambda n: get(log, search=f"nobody-{n}"))


def move(meter: Meter, server: httpx.Client, total: int) -> None:
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    run = f"{random.randrange(16**6):06x}"

    def take(number: int, *, again: bool = False) -> None:
        name = f"{run}-0" if again else f"{run}-{number}"
        users = [{"email": f"{name}-{n}@many.example", "hashed_password": hashed, "verified": True} for n in range(500)]
        answer = server.post("/api/auth/users/import", json={"users": users}).raise_for_status().json()
        assert again or answer["imported"] == 500, answer["results"][0]

    meter.measure("import, a person with a ready hash", take, times=4, per=500)
    meter.measure("import, a person who is here", lambda n: take(n, again=True), times=4, per=500)
    for form in ("json", "csv"):
        meter.measure(
            f"export as {form}, a person",
            lambda _, form=form: read_everything(server, "/api/auth/users/export", {"format": form}), times=1, per=total,
        )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsn", default="sqlite")
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--entries", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--database", type=int, default=0)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="bench-"))
    dsn = f"sqlite://{work}/many.sqlite" if asked.dsn == "sqlite" else asked.dsn
    port = random.randrange(20_000, 32_000)
    made = config(work, dsn, port) | {"limen": {"console": {"enabled": True, "port": port + 2}}}
    path = work / "limen.yml"
    path.write_text(yaml.safe_dump(made))
    own = configload.load([path], env={}, flags={"dev": True}).config
    asyncio.run(prepare(own, asked.people, asked.entries))
    email, people = asyncio.run(somebody(own))
    command = shlex.split(os.environ.get("SERVER_CMD", "limen serve -c {config} --dev").format(config=path))
    with (work / "server.log").open("wb") as out:
        process, _ = started(command, f"http://127.0.0.1:{port}", out, work)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port + 2}", timeout=120) as server:
                answer = server.post("/api/auth/login", json={"email": email, "password": PASSWORD})
                assert answer.status_code == 200, answer.text
                meter = Meter(process.pid, asked.database, asked.rounds)
                look(meter, server, people)
                move(meter, server, server.get("/api/auth/stats").json()["total_users"])
        finally:
            process.terminate()
            process.wait()
    if asked.out:
        asked.out.write_text(json.dumps(meter.found, indent=2))


if __name__ == "__main__":
    main()
