"""People move in from Kratos' database with everything they have, however often it is tried."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sys
from pathlib import Path
from subprocess import DEVNULL, CompletedProcess, Popen, run
from typing import Any

import bcrypt
import httpx
import pyotp
import pytest
import yaml
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.conftest import new_dsn, postgres
from tests.moving.kratosdb import NOW, Kratos
from tests.support.callers import PASSWORD, Caller
from tests.support.direct import ask
from tests.support.server import PATIENCE, PERSON, LiveServer, base_config, serve

pytestmark = pytest.mark.slow
ANN, BEN = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
TOKEN, OLD = "ory_st_" + "A" * 32, "ory_st_" + "B" * 32
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


@pytest.fixture
def kratos(database: str, tmp_path: Path) -> str:
    """The address of a database with Ann, who has everything, and Ben, who has little."""
    made = Kratos()
    made.person("ann@example.org", id_=ANN, verified=True, metadata_public={"plan": "gold"}, external_id="ext-1")
    made.credential(ANN, "password", {"hashed_password": HASH}, "ann@example.org")
    made.credential(ANN, "code", {"addresses": [{"channel": "email", "address": "ann@example.org"}]}, "ann@example.org")
    made.credential(ANN, "totp", {"totp_url": f"otpauth://totp/X:ann?secret={SECRET}&period=30&digits=6"}, ANN)
    made.session(ANN, TOKEN)
    made.session(ANN, OLD, hours=-1)
    made.person("ben@example.org", id_=BEN)
    dsn = postgres().new(migrated=False) if database == "postgres" else f"sqlite://{tmp_path}/kratos.sqlite"
    made.write(dsn)
    return dsn


@pytest.fixture
def target(database: str, tmp_path: Path) -> tuple[str, str]:
    """The address of our own database, and a configuration that names it."""
    dsn = new_dsn(database, tmp_path)
    return dsn, configured(dsn, tmp_path)


def configured(dsn: str, folder: Path) -> str:
    """A configuration with this database; its file."""
    schema, file = folder / "person.json", folder / "limen.yml"
    schema.write_text(json.dumps(PERSON))
    file.write_text(yaml.safe_dump({"version": "v1.3.0", **base_config(dsn, 1, 2, schema.as_uri())}))
    return str(file)


def limen(*words: str) -> CompletedProcess[str]:
    env = {**os.environ, "LIMEN_LIMEN_DATABASE_AUTO_MIGRATE": "true", "LIMEN_DATABASE_AUTO_MIGRATE": "true"}
    return run(
        [sys.executable, "-m", "limen.cli", *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=env,
    )


def copied(target: tuple[str, str], kratos: str, *words: str) -> str:
    done = limen("import", "kratos", "--from", kratos, "-c", target[1], *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


OVER = {
    "secrets": {"cookie": ["a-secret-kratos-had", "an-older-secret-of-kratos"]},
    "selfservice": {"methods": {"totp": {"enabled": True}}},
}


@pytest.fixture
def server(target: tuple[str, str], kratos: str, tmp_path: Path) -> Any:
    copied(target, kratos)
    folder = tmp_path / "served"
    folder.mkdir()
    with serve(folder, target[0], OVER) as live:
        yield live


def test_people_keep_what_they_have(server: LiveServer) -> None:
    ann = Caller(server, "app")
    ann.sign_in("ann@example.org")
    assert ann.last.status_code == 200, ann.last.text
    flow = ann.start("login", aal="aal2")
    ann.submit(flow, method="totp", totp_code=pyotp.TOTP(SECRET).now())
    me = ann.whoami()
    assert me["authenticator_assurance_level"] == "aal2"
    person = me["identity"]
    assert (person["id"], person["external_id"], person["metadata_public"]) == (ANN, "ext-1", {"plan": "gold"})
    assert [a["verified"] for a in person["verifiable_addresses"]] == [True]
    shown = httpx.get(f"{server.admin}admin/identities").json()
    assert {p["id"] for p in shown} == {ANN, BEN}


def test_live_sessions_answer_and_ended_ones_do_not(server: LiveServer) -> None:
    answers = [httpx.get(f"{server.public}sessions/whoami", headers={"x-session-token": t}) for t in (TOKEN, OLD)]
    assert [a.status_code for a in answers] == [200, 401]
    assert answers[0].json()["devices"][0]["ip_address"] == "192.0.2.7"


@pytest.mark.parametrize("block", ["derived", "none"])
@pytest.mark.parametrize("secret", ["a-secret-kratos-had", "an-older-secret-of-kratos"])
def test_a_browser_stays_signed_in_with_the_cookie_kratos_made(server: LiveServer, secret: str, block: str) -> None:
    cookie = {"cookie": f"ory_kratos_session={sealed(secret, block)}"}
    assert httpx.get(f"{server.public}sessions/whoami", headers=cookie).status_code == 200
    answer = httpx.get(f"{server.public}ui/", headers={**cookie, "accept": "text/html"})
    ours = answer.cookies["ory_kratos_session"]
    assert ours != cookie["cookie"].partition("=")[2]
    again = httpx.get(f"{server.public}sessions/whoami", cookies={"ory_kratos_session": ours})
    assert again.status_code == 200


@pytest.mark.parametrize(
    "value",
    ["", "x", "MTc5NQ==", "=" * 5000, base64.urlsafe_b64encode(b"1795245007|abc|" + bytes(32)).decode(), "%00"],
)
def test_a_cookie_of_anybody_else_is_no_session(server: LiveServer, value: str) -> None:
    forged = sealed("somebody elses secret", "derived")
    for one in (value, forged, sealed("a-secret-kratos-had", "derived")[:-4] + "AAAA"):
        answer = httpx.get(f"{server.public}sessions/whoami", headers={"cookie": f"ory_kratos_session={one}"})
        assert answer.status_code == 401


def sealed(secret: str, block: str) -> str:
    """A session cookie as Kratos seals it: now, before the key was derived, and without encryption."""
    payload = (
        b"\r\x7f\x04\x01\x02..session_token.."
        + TOKEN.encode()
        + b"..expires_at.."
        + b"2036-01-02T03:04:05.123456789Z.."
    )
    key = {"derived": hashlib.sha256(secret.encode()).digest(), "none": b""}[block]
    if key:
        vector = os.urandom(16)
        encryptor = Cipher(algorithms.AES(key), modes.CTR(vector)).encryptor()
        payload = vector + encryptor.update(payload) + encryptor.finalize()
    inner = f"{int(NOW.timestamp())}|".encode() + base64.urlsafe_b64encode(payload)
    mac = hmac.digest(secret.encode(), b"ory_kratos_session|" + inner, hashlib.sha256)
    return base64.urlsafe_b64encode(inner + b"|" + mac).decode()


def test_a_dry_run_says_the_same_and_writes_nothing(target: tuple[str, str], kratos: str) -> None:
    assert copied(target, kratos, "--dry-run") == "2 people fit, with 1 live sessions.\n"
    assert copied(target, kratos) == "2 people copied, with 1 live sessions.\n"


def test_a_dry_run_makes_no_table_and_no_file(database: str, tmp_path: Path, kratos: str) -> None:
    dsn = f"sqlite://{tmp_path}/later/limen.sqlite"
    if database == "postgres":
        dsn = postgres().new(migrated=False)
    done = limen("import", "kratos", "--from", kratos, "-c", configured(dsn, tmp_path), "--dry-run")
    assert (done.returncode, done.stdout) == (0, "2 people fit, with 1 live sessions.\n"), done.stderr
    assert "Nobody is in the database yet" in done.stderr
    assert not (tmp_path / "later").exists()
    if database == "postgres":
        assert (
            ask(dsn, "select count(*) from information_schema.tables where table_schema = current_schema()")[0][0] == 0
        )


def test_a_dry_run_leaves_everything_as_it_is(target: tuple[str, str], kratos: str, tmp_path: Path) -> None:
    assert copied(target, kratos) == "2 people copied, with 1 live sessions.\n"
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    rows = ask(target[0], "select id, version, updated_at from identities order by id")
    assert copied(target, kratos, "--dry-run").splitlines()[1] == "2 were here already and are left alone."
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()} == before
    assert ask(target[0], "select id, version, updated_at from identities order by id") == rows


def test_a_dry_run_does_not_migrate(target: tuple[str, str], kratos: str) -> None:
    assert copied(target, kratos) == "2 people copied, with 1 live sessions.\n"
    newest = ask(target[0], "select max(version) from migrations")[0][0]
    ask(target[0], f"delete from migrations where version = {newest}")
    done = limen("import", "kratos", "--from", kratos, "-c", target[1], "--dry-run")
    assert done.returncode == 1
    assert "The database is behind this version" in done.stderr
    assert ask(target[0], "select max(version) from migrations")[0][0] == newest - 1


def test_a_second_run_changes_nothing(target: tuple[str, str], kratos: str) -> None:
    copied(target, kratos)
    assert copied(target, kratos) == (
        "0 people copied, with 0 live sessions.\n2 were here already and are left alone.\n"
    )


def test_what_does_not_fit_is_named(target: tuple[str, str], database: str, tmp_path: Path, kratos: str) -> None:
    copied(target, kratos)
    other = Kratos()
    clash = other.person("cat@example.org")
    other.credential(clash, "password", {"hashed_password": "?"}, "ann@example.org")
    other.person("dan@example.org", organization_id="00000000-0000-4000-8000-0000000000dd")
    dsn = postgres().new(migrated=False) if database == "postgres" else f"sqlite://{tmp_path}/other.sqlite"
    other.write(dsn)
    done = limen("import", "kratos", "--from", dsn, "-c", target[1])
    assert done.returncode == 1
    assert "1 people copied" in done.stdout
    assert "password hash that cannot be checked" in done.stdout
    assert f"{clash}: password identifier 'ann@example.org' belongs to somebody else here" in done.stdout


@pytest.mark.parametrize(
    "dsn", ["sqlite:///nowhere/kratos.sqlite", "mysql://x", "postgres://nobody@127.0.0.1:1/x", "x"]
)
def test_a_source_that_cannot_be_read_is_told(target: tuple[str, str], dsn: str) -> None:
    done = limen("import", "kratos", "--from", dsn, "-c", target[1])
    assert done.returncode == 1
    assert done.stderr.rstrip().splitlines()[-1].startswith("Nobody was copied.")
    assert "Traceback" not in done.stderr


def test_a_killed_copy_is_repeated_and_loses_and_doubles_nobody(
    target: tuple[str, str], database: str, tmp_path: Path
) -> None:
    number, part = 4000, 500
    made = Kratos()
    for n in range(number):
        id_ = made.person(f"p{n}@example.org")
        made.credential(id_, "password", {"hashed_password": HASH}, f"p{n}@example.org")
        made.session(id_, f"ory_st_{n:032}")
    source = postgres().new(migrated=False) if database == "postgres" else f"sqlite://{tmp_path}/many.sqlite"
    made.write(source)
    assert copied(target, source, "--dry-run").startswith(f"{number} people fit")
    limen("migrate", "sql", "up", "-e", "--yes", "-c", target[1])
    words = [sys.executable, "-m", "limen.cli", "import", "kratos", "--from", source, "-c", target[1]]
    killed = Popen(words, stdout=DEVNULL, stderr=DEVNULL)
    while killed.poll() is None and ask(target[0], "select count(*) from identities")[0][0] < part:
        pass
    killed.kill()
    killed.wait()
    there = ask(target[0], "select count(*) from identities")[0][0]
    assert part <= there < number
    assert copied(target, source) == (
        f"{number - there} people copied, with {number - there} live sessions.\n"
        f"{there} were here already and are left alone.\n"
    )
    for table in ("identities", "sessions", "identifiers", "directory"):
        assert ask(target[0], f"select count(*) from {table}")[0][0] == number, table
