"""What `limen doctor` says beyond the setups from the field: databases, clocks, certificates, secrets, proxies."""

from __future__ import annotations

import asyncio
import datetime
import socket
import sqlite3
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import trustme
from click.testing import CliRunner

from limen.cli import main
from limen.core.findings import Finding
from tests.conftest import Start, new_dsn, postgres
from tests.courier.conftest import MailServer
from tests.doctor.conftest import Examine
from tests.support.callers import Caller
from tests.support.server import merge


def said(found: list[Finding], part: str) -> Finding:
    """The one finding with these words."""
    (finding,) = [one for one in found if part in one.told]
    return finding


# --- the database -------------------------------------------------------------------------------------------------------


def test_it_makes_no_database(examine: Examine, tmp_path: Path) -> None:
    found = examine({}, dsn=f"sqlite://{tmp_path}/none/limen.sqlite")
    assert said(found, "the server makes it when it starts").grade == "notice"
    assert not (tmp_path / "none").exists()


def test_a_database_that_is_well(examine: Examine, start: Start) -> None:
    server = start()
    found = examine({}, dsn=server.app.config.dsn)
    assert [one.grade for one in found if "is up to date and writable" in one.told] == ["good"]
    assert said(found, "The clock agrees").grade == "good"


def test_tables_that_are_missing(examine: Examine, tmp_path: Path) -> None:
    empty = tmp_path / "empty.sqlite"
    sqlite3.connect(empty).close()
    assert said(examine({}, dsn=f"sqlite://{empty}"), "has no tables yet").grade == "notice"
    finding = said(examine({}, dsn=postgres().new(migrated=False)), "has no tables yet")
    assert (finding.grade, finding.advice) == (
        "trouble", "Run `limen migrate sql up -e --yes` with the same configuration.",
    )  # fmt: skip


def test_a_database_of_kratos(examine: Examine, tmp_path: Path) -> None:
    file = tmp_path / "kratos.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("create table identity_credential_identifiers (id text)")
    connection.close()
    finding = said(examine({}, dsn=f"sqlite://{file}"), "this is a database of Kratos")
    assert "limen import kratos --from" in finding.advice


def test_a_file_that_is_no_database(examine: Examine, tmp_path: Path) -> None:
    (tmp_path / "odd.sqlite").write_text(
        "this is a letter to my aunt, and quite a long one, as she is fond of letters" * 20
    )
    assert said(examine({}, dsn=f"sqlite://{tmp_path}/odd.sqlite"), "cannot be used").grade == "trouble"


def test_a_database_that_does_not_answer(examine: Examine) -> None:
    finding = said(examine({}, dsn="postgres://limen:secret@127.0.0.1:1/limen"), "cannot be used")
    assert "Start the database" in finding.advice
    assert "secret" not in finding.told


def test_a_database_that_only_reads(examine: Examine, tmp_path: Path) -> None:
    dsn = new_dsn("postgres", tmp_path)

    async def forbid() -> None:
        connection = await asyncpg.connect(dsn)
        name = await connection.fetchval("select current_database()")
        await connection.execute(f'alter database "{name}" set default_transaction_read_only = on')
        await connection.close()

    asyncio.run(forbid())
    assert "Name the primary" in said(examine({}, dsn=dsn), "only answers reads").advice


def test_memory_and_writes_that_may_be_lost(examine: Examine, tmp_path: Path) -> None:
    assert said(examine({}, dsn="memory"), "is gone with the process").grade == "notice"
    found = examine({}, dsn=f"sqlite://{tmp_path}/limen.sqlite?_synchronous=off")
    assert said(found, "a power cut may lose").grade == "notice"


def test_a_clock_that_goes_wrong(examine: Examine, start: Start) -> None:
    server = start()
    server.clock.forward(hours=1)
    Caller(server, "app").sign_up()
    assert said(examine({}, dsn=server.app.config.dsn), "which has not come yet here").grade == "trouble"


def test_a_user_that_the_database_does_not_know(examine: Examine, tmp_path: Path) -> None:
    stranger = new_dsn("postgres", tmp_path).replace("postgres://postgres@", "postgres://stranger@")
    finding = said(examine({}, dsn=stranger), 'role "stranger" does not exist')
    assert "Make the user first" in finding.advice


# --- secrets, proxies, addresses ----------------------------------------------------------------------------------------


def test_secrets(examine: Examine) -> None:
    none = examine({"secrets": None})
    assert said(none, "`secrets.default` is missing").grade == "trouble"
    weak = examine({"secrets": {"default": ["abababababababababababababababab", "short-but-odd-enough"]}})
    assert "repeats itself" in said(weak, "secrets.default.0").told
    assert "has only 20 characters" in said(weak, "secrets.default.1").told
    leaky = examine({"log": {"leak_sensitive_values": True}})
    assert said(leaky, "what is secret ends in the log").grade == "trouble"


def test_proxies_and_ports(examine: Examine) -> None:
    found = examine({"limen": {"trusted_proxies": ["0.0.0.0/0"]}, "serve": {"admin": {"host": "0.0.0.0"}}})
    assert said(found, "anybody can pass for another address").grade == "trouble"
    assert said(found, "asks for no password").grade == "notice"
    same = {"host": "127.0.0.1", "port": 4433}
    assert said(examine({"serve": {"public": same, "admin": same}}), "is the public port too").grade == "trouble"
    url = {"base_url": "https://id.example.org"}
    assert said(examine({"serve": {"public": url, "admin": url}}), "anybody could change accounts").grade == "trouble"


def test_doors_that_cannot_be_opened(examine: Examine, tmp_path: Path) -> None:
    elsewhere = examine({"serve": {"public": {"host": "198.51.100.7"}}})
    assert said(elsewhere, "which is no address of this machine").grade == "trouble"
    missing = said(examine({"serve": {"public": {"host": f"unix:{tmp_path}/run/limen.sock"}}}), "there is no folder")
    assert (missing.grade, "RuntimeDirectory=" in missing.advice) == ("trouble", True)
    found = examine({"serve": {"public": {"host": f"unix:{tmp_path}/limen.sock"}}})
    assert not [one for one in found if "socket" in one.told]
    assert not (tmp_path / "limen.sock").exists(), "it opens nothing"


def test_a_port_in_use_may_be_the_servers_own(examine: Examine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = examine({"serve": {"admin": {"host": "127.0.0.1", "port": taken.getsockname()[1]}}})
    assert not [one for one in found if "`serve.admin." in one.told and one.grade == "trouble"]


def test_a_server_that_sends_the_messages_itself(examine: Examine, mails: MailServer) -> None:
    found = examine({**mails.config, "watch-courier": True})
    assert said(found, "The server sends the messages itself").grade == "good"


def test_a_server_that_says_no_address(examine: Examine) -> None:
    finding = said(examine({"serve": {"public": {"base_url": None}}}), "`serve.public.base_url` is missing")
    assert "https://id.example.org/" in finding.advice


def test_a_login_page_as_the_end_of_a_login(examine: Examine) -> None:
    page = "https://app.example.org/login"
    over = {"selfservice": {"default_browser_return_url": page, "flows": {"login": {"ui_url": page}}}}
    assert said(examine(over), "is sent to sign in").grade == "trouble"


def test_a_page_that_is_safer_than_the_server(examine: Examine) -> None:
    over = {
        "serve": {"public": {"base_url": "http://id.example.org/"}},
        "selfservice": {"flows": {"login": {"ui_url": "https://app.example.org/login"}}},
    }
    assert said(examine(over), "browsers block calls from a safe page").grade == "trouble"


def test_a_way_to_sign_in_that_nobody_has(examine: Examine) -> None:
    schema = {
        "type": "object",
        "properties": {"traits": {"type": "object", "properties": {"name": {"type": "string"}}}},
    }
    finding = said(examine({}, schema=schema), "No identity schema marks what people sign in with by password")
    assert '"identifier": true' in finding.advice


# --- certificates -------------------------------------------------------------------------------------------------------


def tls(folder: Path, *names: str, days: int = 90) -> dict[str, Any]:
    """A certificate for these names that ends in so many days, in files; the `tls` of a port."""
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days, hours=1)
    made = trustme.CA().issue_cert(*names, not_after=ends)
    made.cert_chain_pems[0].write_to_path(folder / "tls.crt")
    made.private_key_pem.write_to_path(folder / "tls.key")
    return {"cert": {"path": str(folder / "tls.crt")}, "key": {"path": str(folder / "tls.key")}}


@pytest.mark.parametrize(
    ("name", "days", "base", "told", "grade"),
    [
        ("id.example.org", 90, "https://id.example.org/", "the certificate is good until", "good"),
        ("*.example.org", 90, "https://id.example.org/", "the certificate is good until", "good"),
        ("id.example.org", 5, "https://id.example.org/", "the certificate ends on", "notice"),
        ("id.example.org", -5, "https://id.example.org/", "the certificate ended on", "trouble"),
        ("elsewhere.org", 90, "https://id.example.org/", "the certificate is for elsewhere.org", "trouble"),
        ("id.example.org", 90, "http://id.example.org/", "a port that speaks HTTPS only", "trouble"),
    ],
)
def test_certificates(examine: Examine, tmp_path: Path, name: str, days: int, base: str, told: str, grade: str) -> None:
    found = examine({"serve": {"public": {"base_url": base, "tls": tls(tmp_path, name, days=days)}}})
    assert said(found, told).grade == grade


def test_a_key_of_another_certificate(examine: Examine, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    mixed = merge(tls(tmp_path, "id.example.org"), {"key": tls(other, "id.example.org")["key"]})
    finding = said(examine({"serve": {"public": {"tls": mixed}}}), "serve.public.tls cannot be used")
    assert finding.grade == "trouble"


# --- the report ---------------------------------------------------------------------------------------------------------


def test_the_report_is_made_for_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == 0, done.stdout
    assert "✓ People reach the server at http://" in done.stdout
    assert done.stdout.splitlines()[-1].endswith(" good.")
    assert list(tmp_path.iterdir()) == [], "it leaves nothing behind"


def test_mistakes_are_findings_too(tmp_path: Path) -> None:
    (tmp_path / "limen.yml").write_text("dsn: memory\nsesion: {}\n")
    done = CliRunner().invoke(main, ["doctor", "-c", str(tmp_path / "limen.yml")])
    assert done.exit_code == 1
    assert "limen.yml:2:1 `sesion`: There is no key `sesion` here." in done.stdout
    assert "Did you mean `session`?" in done.stdout
