"""Operators and keys from the command line, beside a server that runs."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

from tests.operation.conftest import Configure
from tests.support.process import limen

OWN = {"limen": {"console": {"enabled": False}}}


def test_operators_and_keys_come_and_go(configure: Configure, dsn: str, tmp_path: Path) -> None:
    file = configure(dsn, OWN)
    limen(tmp_path, "migrate", "sql", "up", "-e", "--yes", "-c", file)
    unknown = limen(tmp_path, "operator", "add", "ann@example.org", "-c", file)
    assert unknown.returncode == 1
    assert "There is no account of ann@example.org." in unknown.stderr
    made = limen(tmp_path, "keys", "create", "nightly", "--expires-in", "24h", "-c", file)
    assert made.stdout.startswith("truss_sk_")
    listed = json.loads(limen(tmp_path, "keys", "list", "-f", "json", "-c", file).stdout)
    assert [(key["name"], key["last_used_at"]) for key in listed] == [("nightly", "<none>")]
    assert made.stdout.strip() not in str(listed)
    assert limen(tmp_path, "keys", "revoke", listed[0]["id"], "-c", file).returncode == 0
    assert limen(tmp_path, "keys", "revoke", listed[0]["id"], "-c", file).returncode == 1
    verified = limen(tmp_path, "audit", "verify", "-c", file)
    assert verified.stdout == "All 2 entries are as they were written.\n"


def test_the_last_owner_stays(configure: Configure, tmp_path: Path, node: object) -> None:
    file = configure(f"sqlite://{tmp_path}/limen.sqlite", OWN)
    server = node(tmp_path, "-c", file).start()  # type: ignore[operator]
    body = {"schema_id": "default", "traits": {"email": "ann@example.org"}}
    httpx.post(f"{server.admin}admin/identities", json=body).raise_for_status()
    added = limen(tmp_path, "operator", "add", "ann@example.org", "-c", file)
    assert "is an operator now: owner." in added.stdout
    assert "Nobody has proved this address yet" in added.stderr
    assert "ann@example.org" in limen(tmp_path, "operator", "list", "-c", file).stdout
    refused = limen(tmp_path, "operator", "remove", "ann@example.org", "-c", file)
    assert refused.returncode == 1
    assert "the last owner" in refused.stderr
