"""Fill a database with made-up people and sessions, to measure how things go when there are many.

    python bench/fill.py --dsn sqlite:///tmp/many.sqlite [--people 1000000] [--sessions 2000000]

The schema and the configuration are those of run.py, which takes the same --dsn afterwards. People are as different as they are
in life: names and domains repeat, a few are inactive, most are verified, some have an authenticator app. The same seed makes the
same names. It goes through Limen's own functions, so what is stored is what a server would store.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

import bcrypt
import yaml
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parent))
from run import config

from limen.app import App
from limen.context import Client, Context
from limen.core import clock, configload
from limen.core.config import Config
from limen.db import migrate
from limen.db.database import Commit
from limen.identity import admin, service, store
from limen.identity.identifiers import OWN_ID
from limen.session import service as sessions
from limen.session import store as session_store
from limen.session.model import Proof
from limen.settings import data_source

BATCH = 2000
SYLLABLES = (
    "an",
    "be",
    "ca",
    "di",
    "el",
    "fo",
    "ga",
    "hu",
    "is",
    "jo",
    "ka",
    "lu",
    "ma",
    "ni",
    "or",
    "pe",
    "ra",
    "so",
    "ti",
    "wu",
)
DAYS = 1000


def name(chance: random.Random, parts: int) -> str:
    return "".join(chance.choice(SYLLABLES) for _ in range(parts)).title()


class People:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.first = [name(self.chance, 2) for _ in range(300)]
        self.last = [name(self.chance, 3) for _ in range(3000)]
        self.domains = [f"{name(self.chance, 2).lower()}.example" for _ in range(40)]
        self.hash = bcrypt.hashpw(b"correct-horse-9-battery", bcrypt.gensalt(4)).decode()

    def add(self, ctx: Context, number: int, commit: Commit, sessions_each: float) -> int:
        """Put one person with their sessions into the commit; returns how many sessions."""
        chance = self.chance
        first, last = chance.choice(self.first), chance.choice(self.last)
        domain = self.domains[min(int(chance.expovariate(0.2)), 39)]
        email = f"{first}.{last}{number}@{domain}".lower()
        extracted = admin.extract(ctx, "default", {"email": email, "name": {"first": first, "last": last}})
        configs = {} if chance.random() < 0.1 else {"password": {"hashed_password": self.hash}}
        if chance.random() < 0.02:
            configs[OWN_ID[0]] = {"totp_url": "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"}
        made = clock.after(ctx.now, -chance.uniform(1, DAYS) * 86400)
        identity = service.build(
            ctx, "default", extracted, configs, created_at=made, state="inactive" if chance.random() < 0.01 else "active",
            verified=extracted.verifiable if chance.random() < 0.7 else (),
        )  # fmt: skip
        store.insert(commit, identity)
        count = int(sessions_each + chance.random())
        for _ in range(count):
            session, token = sessions.issue(ctx, identity, Proof("password", "aal1", ctx.stamp))
            began = clock.after(ctx.now, -chance.uniform(0, 30) * 86400)
            session = replace(session, created_at=began, authenticated_at=began, issued_at=began)
            session_store.insert(commit, session, sessions.digest(token))
        return count


async def fill(own: Config, people: int, wanted: int, seed: int) -> None:
    driver = await data_source(own.dsn, own).open()
    await migrate.up(driver)
    await driver.close()
    app = App(own, dev=True)
    await app.open()
    maker, db, done, began = People(seed), app.site.database(), 0, time.perf_counter()
    for start in range(0, people, BATCH):
        ctx = app.site.context(Client(url="http://127.0.0.1/"))
        commits = []
        for number in range(start, min(start + BATCH, people)):
            commit = db.begin()
            done += maker.add(ctx, number, commit, wanted / people)
            commits.append(commit)
        await db.insert_each(commits)
        reached = start + len(commits)
        if reached % (BATCH * 25) == 0 or reached == people:
            print(f"{reached} people, {done} sessions, {reached / (time.perf_counter() - began):.0f}/s", flush=True)
    await app.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--sessions", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="bench-"))
    path = work / "limen.yml"
    path.write_text(yaml.safe_dump(config(work, asked.dsn, 14433)))
    own = configload.load([path], env={}, flags={"dev": True}).config
    asyncio.run(fill(own, asked.people, asked.sessions, asked.seed))


if __name__ == "__main__":
    main()
