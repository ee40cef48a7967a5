"""How long searches take at a running server: its people are sampled, and looked for in the ways operators do.

    python bench/search.py http://127.0.0.1:4434 [--each 40] [--page-size 250]

Filled databases come from fill.py. One search at a time; wall-clock time as the caller sees it, so the machine has to be quiet.
"""

from __future__ import annotations

import argparse
import random
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import httpx

Person = dict[str, Any]
Query = Mapping[str, str]


def text(make: Callable[[Person], str]) -> Callable[[Person], Query]:
    return lambda person: {"search": make(person)}


def local(person: Person) -> str:
    return str(person["traits"]["email"]).partition("@")[0]


KINDS: dict[str, Callable[[Person], Query]] = {
    "whole address": text(lambda p: p["traits"]["email"]),
    "id": text(lambda p: p["id"]),
    "beginning of an id": text(lambda p: p["id"][:8]),
    "three letters": text(lambda p: local(p)[:3]),
    "one letter": text(lambda p: local(p)[:1]),
    "last name": text(lambda p: p["traits"]["name"]["last"]),
    "first and last name": text(lambda p: " ".join(p["traits"]["name"].values())),
    "two beginnings": text(lambda p: f"{p['traits']['name']['first'][:2]} {p['traits']['name']['last'][:2]}"),
    "domain": text(lambda p: p["traits"]["email"].partition("@")[2]),
    "nobody": text(lambda p: "zzqx" + local(p)),
    "inactive": lambda _: {"state": "inactive"},
    "with an app": lambda _: {"has_credential": "totp"},
    "inactive with an app": lambda _: {"state": "inactive", "has_credential": "totp"},
    "unverified, one letter": lambda p: {"verified": "false", "search": local(p)[:1]},
    "new this month": lambda _: {"created_after": time.strftime("%Y-%m-01")},
    "last to sign in": lambda _: {"sort": "-last_login_at", "state": "active"},
    "domain, by sign-in": lambda p: {"search": p["traits"]["email"].partition("@")[2], "sort": "-last_login_at"},
}


def sample(server: httpx.Client, number: int) -> list[Person]:
    """People from all over the list: any id between the first and the last begins a page."""
    chance = random.Random(1)
    first = server.get("/admin/identities", params={"page_size": "1"}).json()
    newest = server.get("/admin/identities", params={"page_size": "50", "sort": "-created_at"}).json()
    ids = [uuid.UUID(one["id"]).int for one in (*first, *newest)]
    found: list[Person] = []
    while len(found) < number:
        token = str(uuid.UUID(int=chance.randint(min(ids), max(ids))))
        found += server.get("/admin/identities", params={"page_size": "5", "page_token": token}).json()
    return found[:number]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("admin")
    parser.add_argument("--each", type=int, default=40)
    parser.add_argument("--page-size", default="250")
    asked = parser.parse_args()
    every: list[float] = []
    with httpx.Client(base_url=asked.admin, timeout=60) as server:
        people = sample(server, asked.each)
        for name, make in KINDS.items():
            times, found = [], 0
            for person in people:
                began = time.perf_counter()
                answer = server.get("/admin/identities", params={**make(person), "page_size": asked.page_size})
                times.append(1000 * (time.perf_counter() - began))
                found += len(answer.raise_for_status().json())
            times.sort()
            every += times
            print(
                f"{name:24} p50 {times[len(times) // 2]:7.1f}  most {times[-1]:7.1f} ms  {found / len(people):6.0f} people"
            )
    every.sort()
    print(f"{'all':24} p50 {every[len(every) // 2]:7.1f}  p99 {every[int(len(every) * 0.99)]:7.1f} ms")


if __name__ == "__main__":
    main()
