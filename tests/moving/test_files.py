"""People move in from files of other systems: everybody signs in with what they had, once, however often it is tried."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import argon2
import bcrypt
import httpx
import pyotp
import pytest
import yaml
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from limen.moving import auth0, firebase, keycloak, supabase, table
from limen.moving.fit import stamp
from limen.moving.model import Brought, FileError, Unreadable
from tests.conftest import new_dsn
from tests.moving.test_kratos import limen
from tests.support.callers import PASSWORD, Caller
from tests.support.direct import ask
from tests.support.server import PERSON, LiveServer, base_config, serve

BCRYPT = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
SALT, KEY = b"0123456789abcdef", b"a-key-of-firebase-with-32-bytes."
UUID = "11111111-1111-4111-8111-111111111111"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def pbkdf2(name: str, iterations: int, length: int) -> bytes:
    return hashlib.pbkdf2_hmac(name, PASSWORD.encode(), SALT, iterations, length)


def fire_hash() -> bytes:
    key = hashlib.scrypt(PASSWORD.encode(), salt=SALT + b"sep", n=2**4, r=8, p=1, dklen=32)
    encryptor = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    return encryptor.update(KEY) + encryptor.finalize()


FIRE_CONFIG = f"""hash_config {{
  algorithm: SCRYPT,
  base64_signer_key: {b64(KEY)},
  base64_salt_separator: {b64(b"sep")},
  rounds: 8,
  mem_cost: 4,
}}"""


def auth0_user(number: int, **more: Any) -> dict[str, Any]:
    return {"user_id": f"auth0|{number}", "email": f"p{number}@example.org", "email_verified": True, **more}


def custom(
    algorithm: str, value: str, encoding: str = "hex", salt: dict[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    found: dict[str, Any] = {"algorithm": algorithm, "hash": {"value": value, "encoding": encoding, **more}}
    return {"custom_password_hash": found | ({"salt": salt} if salt else {})}


PHC = "$pbkdf2-sha256$i=1000,l=32$" + b64(SALT) + "$" + b64(pbkdf2("sha256", 1000, 32))
AUTH0 = [
    {"_id": {"$oid": "0a"}, "email": "p0@example.org", "email_verified": False, "passwordHash": BCRYPT, "connection": "x"},
    auth0_user(1, password_hash=BCRYPT, name="Ann Lee", user_metadata={"a": 1}, app_metadata={"b": 2}),
    auth0_user(2, **custom("bcrypt", BCRYPT, "utf8")),
    auth0_user(3, **custom("argon2", argon2.PasswordHasher(1, 1024, 1).hash(PASSWORD), "utf8")),
    auth0_user(4, **custom("pbkdf2", PHC, "utf8")),
    auth0_user(5, **custom("sha256", hashlib.sha256(b"salt" + PASSWORD.encode()).hexdigest(), salt={"value": "salt"})),
    auth0_user(6, **custom("sha1", b64(hashlib.sha1(PASSWORD.encode() + SALT).digest()), "base64",
                           salt={"value": b64(SALT), "encoding": "base64", "position": "suffix"})),
    auth0_user(7, **custom("md5", hashlib.md5(PASSWORD.encode()).hexdigest())),
    auth0_user(8, **custom("hmac", hmac.new(b"key", PASSWORD.encode(), "sha256").hexdigest(), digest="sha256",
                           key={"value": "key"})),
    auth0_user(9, **custom("scrypt", hashlib.scrypt(PASSWORD.encode(), salt=SALT, n=16, r=8, p=1, dklen=64).hex(),
                           salt={"value": SALT.hex(), "encoding": "hex"}, keylen=64, cost=16, blockSize=8, parallelization=1)),
    auth0_user(10, **custom("ldap", "{SSHA}" + b64(hashlib.sha1(PASSWORD.encode() + SALT).digest() + SALT), "utf8")),
]  # fmt: skip


def keycloak_user(number: int, data: dict[str, Any], secret: dict[str, Any], *more: dict[str, Any]) -> dict[str, Any]:
    password = {"type": "password", "credentialData": json.dumps(data), "secretData": json.dumps(secret)}
    name = f"p{number}@example.org"
    return {"id": f"0000000{number}-0000-4000-8000-000000000000", "username": name, "email": name, "emailVerified": True,
            "firstName": "Ann", "lastName": "Lee", "enabled": True, "createdTimestamp": 1700000000000,
            "credentials": [password, *more]}  # fmt: skip


def pbkdf2_user(number: int, name: str, kind: str, length: int) -> dict[str, Any]:
    secret = {"salt": b64(SALT), "value": b64(pbkdf2(name, 1000, length)), "additionalParameters": {}}
    return keycloak_user(number, {"hashIterations": 1000, "algorithm": kind, "additionalParameters": {}}, secret)


ARGON2 = argon2.low_level.hash_secret_raw(PASSWORD.encode(), SALT, 2, 1024, 1, 32, argon2.Type.ID)
OTP = {
    "type": "otp",
    "credentialData": json.dumps({"subType": "totp", "digits": 6, "counter": 0, "period": 30, "algorithm": "HmacSHA1"}),
    "secretData": json.dumps({"value": base64.b32decode(SECRET).decode("latin1")}),
}
KEYCLOAK = {
    "realm": "example", "roles": {"realm": [{"name": "a]}[{\""}]},
    "users": [
        pbkdf2_user(0, "sha256", "pbkdf2-sha256", 32),
        pbkdf2_user(1, "sha512", "pbkdf2-sha512", 64),
        pbkdf2_user(2, "sha1", "pbkdf2", 20),
        keycloak_user(3, {"hashIterations": 2, "algorithm": "argon2", "additionalParameters": {
            "hashLength": ["32"], "memory": ["1024"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}},
            {"value": b64(ARGON2), "salt": b64(SALT), "additionalParameters": {}}),
        {"username": "service-account-x", "serviceAccountClientId": "x"},
    ],
    "clients": [],
}  # fmt: skip

FIREBASE = {
    "users": [
        {"localId": f"f{n}", "email": f"p{n}@example.org", "emailVerified": True, "displayName": "Ann", "salt": b64(SALT),
         "passwordHash": b64(fire_hash()).replace("+", "-").replace("/", "_"), "createdAt": "1700000000000",
         "customAttributes": '{"role": "x"}', "providerUserInfo": [{"providerId": "password"}]}
        for n in range(2)
    ]
}  # fmt: skip

SUPABASE = (
    "id,email,encrypted_password,email_confirmed_at,raw_user_meta_data,created_at,deleted_at,is_anonymous\n"
    f'{UUID},p0@example.org,{BCRYPT},2024-01-01 00:00:00+00,"{{""full_name"": ""Ann, Lee""}}",2024-01-01 00:00:00.5+00,,f\n'
    f"22222222-2222-4222-8222-222222222222,gone@example.org,{BCRYPT},,,,2024-01-01 00:00:00+00,f\n"
)
DUMP = (
    "COPY auth.identities (provider_id, user_id, identity_data, provider) FROM stdin;\n"
    f'117\t{UUID}\t{{"sub": "117"}}\tgoogle\n\\.\n\n'
    "COPY auth.users (id, email, encrypted_password, raw_user_meta_data, phone, banned_until) FROM stdin;\n"
    f'{UUID}\tp0@example.org\t{BCRYPT}\t{{"note": "a\\\\tb"}}\t\\N\t\\N\n\\.\n'
)
CSV = f"E-Mail;Vorname;Password Hash;email_verified\np0@example.org;Ann;{BCRYPT};yes\np1@example.org;Ben;;no\n"

WRITE: dict[str, tuple[str, str, int]] = {  # kind → file, text, people who sign in
    "auth0": ("users.ndjson", "\n".join(map(json.dumps, AUTH0)), 11),
    "keycloak": ("realm.json", json.dumps(KEYCLOAK, indent=2), 4),
    "firebase": ("users.json", json.dumps(FIREBASE), 2),
    "supabase": ("users.csv", SUPABASE, 1),
    "csv": ("people.csv", CSV, 1),
}


@pytest.fixture
def move(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run an import into this test's own database."""
    schema = tmp_path / "person.json"
    schema.write_text(json.dumps(PERSON))
    config = tmp_path / "limen.yml"

    def run(kind: str, dsn: str, *words: str) -> subprocess.CompletedProcess[str]:
        config.write_text(yaml.safe_dump({"version": "v1.3.0", **base_config(dsn, 1, 2, schema.as_uri())}))
        name, text, _ = WRITE[kind]
        (tmp_path / name).write_text(text)
        more: tuple[str, ...] = ()
        if kind == "firebase":
            (tmp_path / "hash.txt").write_text(FIRE_CONFIG)
            more = ("--hash-config", str(tmp_path / "hash.txt"))
        if kind == "csv":
            more = ("--map", "Vorname=name")
        return limen("import", kind, str(tmp_path / name), "-c", str(config), *more, *words)

    return run


Move = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.slow
@pytest.mark.parametrize("kind", WRITE)
def test_everybody_signs_in(kind: str, move: Move, database: str, tmp_path: Path) -> None:
    dsn = new_dsn(database, tmp_path)
    number = WRITE[kind][2]
    before = move(kind, dsn, "--dry-run")
    people = 2 if kind == "csv" else number
    assert (before.returncode, before.stdout.splitlines()[0]) == (0, f"{people} people fit."), before.stderr
    done = move(kind, dsn)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"{people} people copied."), done.stderr
    again = move(kind, dsn)
    assert again.stdout.splitlines()[:2] == ["0 people copied.", f"{people} are here already and left alone."]
    folder = tmp_path / "served"
    folder.mkdir()
    with serve(folder, dsn) as server:
        for one in range(number):
            caller = Caller(server, "app")
            caller.sign_in(f"p{one}@example.org")
            assert caller.is_signed_in, f"p{one}"
        _looks_right(kind, server)


def _looks_right(kind: str, server: LiveServer) -> None:
    shown = httpx.get(
        f"{server.admin}admin/identities", params={"search": "p1@" if kind != "supabase" else "p0@"}
    ).json()[0]
    addresses = [a["verified"] for a in shown["verifiable_addresses"]]
    assert addresses == [kind != "csv"]
    match kind:
        case "auth0":
            assert (shown["external_id"], shown["traits"]["name"]) == ("auth0|1", "Ann Lee")
            assert (shown["metadata_public"], shown["metadata_admin"]) == ({"a": 1}, {"b": 2})
        case "keycloak":
            assert (shown["id"], shown["traits"]["name"]) == ("00000001-0000-4000-8000-000000000000", "Ann Lee")
            assert shown["created_at"] == "2023-11-14T22:13:20.000000Z"
        case "firebase":
            assert (shown["external_id"], shown["metadata_admin"]) == ("f1", {"role": "x"})
        case "supabase":
            assert (shown["id"], shown["traits"]["name"]) == (UUID, "Ann, Lee")
        case "csv":
            assert shown["traits"]["name"] == "Ben"


@pytest.mark.slow
def test_what_does_not_fit_is_told_with_its_line(move: Move, database: str, tmp_path: Path) -> None:
    dsn = new_dsn(database, tmp_path)
    rows = (
        "id,email,hashed_password,shoe\n1,p0@example.org,,44\n2,no address,,\n3,p0@example.org,,\n4,p4@example.org,$2a$99$x,45\n"
        "1,p5@example.org,,\n"
    )
    WRITE["table"] = WRITE["csv"]
    try:
        (tmp_path / "odd.csv").write_text(rows)
        WRITE["csv"] = ("odd.csv", rows, 0)
        told = move("csv", dsn, "--dry-run")
        done = move("csv", dsn)
    finally:
        WRITE["csv"] = WRITE.pop("table")
    for one, word in ((told, "fit"), (done, "copied")):
        assert one.returncode == 1
        assert one.stdout.startswith(f"2 people {word}.\n")
        assert "line 3: traits.email:" in one.stdout
        assert "line 4: " in one.stdout
        assert "password hash that cannot be checked" in one.stdout
        assert "(line 5)" in one.stdout
        assert "'shoe'" in one.stdout
    assert ask(dsn, "select count(*) from identities")[0][0] == 2


@pytest.mark.slow
def test_a_killed_import_is_repeated_and_loses_and_doubles_nobody(move: Move, database: str, tmp_path: Path) -> None:
    dsn = new_dsn(database, tmp_path)
    number = 6000
    rows = "email,name\n" + "".join(f"p{n}@example.org,Ann {n}\n" for n in range(number))
    usual = WRITE["csv"]
    WRITE["csv"] = ("many.csv", rows, 0)
    try:
        assert move("csv", dsn, "--dry-run").returncode == 0
        limen("migrate", "sql", "up", "-e", "--yes", "-c", str(tmp_path / "limen.yml"))
        command = [
            sys.executable,
            "-m",
            "limen.cli",
            "import",
            "csv",
            str(tmp_path / "many.csv"),
            "-c",
            str(tmp_path / "limen.yml"),
        ]
        killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while killed.poll() is None and ask(dsn, "select count(*) from identities")[0][0] < PART:
            pass
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        there = ask(dsn, "select count(*) from identities")[0][0]
        done = move("csv", dsn)
    finally:
        WRITE["csv"] = usual
    assert PART <= there < number
    assert done.stdout == f"{number - there} people copied.\n{there} are here already and left alone.\n"
    assert ask(dsn, "select count(*), count(distinct identifier) from identifiers where type = 'password'")[0] == (
        number,
        number,
    )
    assert ask(dsn, "select count(*) from directory")[0][0] == number


PART = 1000


# --- readers, one by one ------------------------------------------------------------------------------------------------


def read(
    reader: Callable[..., Iterator[Brought | Unreadable]], tmp_path: Path, text: str, name: str = "f.json", *more: Any
) -> list[Any]:
    file = tmp_path / name
    file.write_text(text)
    return list(reader(file, *more))


def test_auth0s_hashes_may_lie_beside_its_users(tmp_path: Path) -> None:
    beside = tmp_path / "hashes.ndjson"
    beside.write_text(json.dumps({"_id": {"$oid": "7"}, "passwordHash": BCRYPT}))
    users = json.dumps([auth0_user(7, blocked=True, identities=[{"provider": "google-oauth2", "user_id": "117"}])])
    (found,) = read(auth0.people, tmp_path, users, "u.json", beside)
    assert (found.id, found.hashed, found.active) == ("auth0|7", BCRYPT, False)
    assert found.providers == (("google-oauth2", "117"),)


def test_auth0s_newer_exports_name_addresses_among_the_identifiers(tmp_path: Path) -> None:
    identifiers = [{"type": "email", "value": "a@b.org", "verified": True}, {"type": "phone_number", "value": "+49"}]
    (found,) = read(auth0.people, tmp_path, json.dumps({"_id": {"$oid": "7"}, "identifiers": identifiers}))
    assert (found.fields, found.verified) == ({"email": "a@b.org", "phone": "+49"}, ["email"])


def test_keycloaks_app_codes_go_on(tmp_path: Path) -> None:
    one = pbkdf2_user(1, "sha256", "pbkdf2-sha256", 32)
    plain = {**OTP, "secretData": json.dumps({"value": "the-20-bytes-it-has."})}
    other = {**OTP, "credentialData": json.dumps({"subType": "hotp", "digits": 6, "algorithm": "HmacSHA1"})}
    key = {"type": "webauthn", "credentialData": "{}", "secretData": "{}"}
    people = [{**one, "credentials": [*one["credentials"], plain, key]}, {**one, "credentials": [other]}]
    first, second = read(keycloak.people, tmp_path, json.dumps(people))
    secret = pyotp.parse_uri(first.totp_url).secret
    assert base64.b32decode(secret + "=" * (-len(secret) % 8)) == b"the-20-bytes-it-has."
    assert first.doubts == ["security keys have to be set up again"]
    assert (second.totp_url, len(second.doubts)) == ("", 1)


def test_firebases_passwords_need_their_parameters(tmp_path: Path) -> None:
    linked = [{"providerId": "google.com", "rawId": "117"}, {"providerId": "phone", "rawId": "+49151"}]
    user = {"localId": "x", "email": "a@b.org", "passwordHash": "YQ==", "salt": "YQ==", "phoneNumber": "+49151"}
    users = [{**user, "providerUserInfo": linked}]
    (found,) = read(firebase.people, tmp_path, json.dumps({"users": users}))
    assert (found.hashed, found.providers, found.verified) == ("", [("google.com", "117")], ["phone"])
    assert "--hash-config" in found.doubts[0]
    (tmp_path / "odd.txt").write_text("algorithm: HMAC_SHA256")
    with pytest.raises(FileError, match="HMAC_SHA256"):
        firebase.hash_config(tmp_path / "odd.txt")


def test_a_dump_of_supabase_is_read_with_its_identities(tmp_path: Path) -> None:
    (found,) = read(supabase.people, tmp_path, DUMP, "dump.sql")
    assert (found.id, found.hashed, found.providers) == (UUID, BCRYPT, (("google", "117"),))
    assert found.metadata_public == {"note": "a\tb"}


def test_a_ban_that_is_over_is_none(tmp_path: Path) -> None:
    people = [
        {"id": str(n), "banned_until": until}
        for n, until in enumerate(("2020-01-01 00:00:00+00", "infinity", "2999-01-01T00:00:00Z", None))
    ]
    assert [one.active for one in read(supabase.people, tmp_path, json.dumps(people))] == [True, False, False, True]


def test_a_table_names_people_by_what_they_sign_in_with(tmp_path: Path) -> None:
    found = read(table.people, tmp_path, "email,username,active\na@b.org,,no\n,ann,\n\n", "t.csv")
    assert [(one.id, one.line, one.active) for one in found] == [("a@b.org", 2, False), ("ann", 3, True)]


@pytest.mark.parametrize("reader", [auth0.people, keycloak.people, firebase.people])
@pytest.mark.parametrize("text", ["{", "[1", '{"users": 3', "no", '[{"a": }]', "[" * 100_000])
def test_a_file_that_is_none_is_told(reader: Any, text: str, tmp_path: Path) -> None:
    with pytest.raises(FileError):
        read(reader, tmp_path, text)


@pytest.mark.parametrize("reader", [auth0.people, keycloak.people, firebase.people])
def test_entries_that_are_nobody_are_told_with_their_lines(reader: Any, tmp_path: Path) -> None:
    found = read(reader, tmp_path, '[\n{},\n7,\n"x", null]')
    assert [(one.line, bool(one.reason)) for one in found] == [(2, True), (3, True), (4, True), (4, True)]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1700000000000", "2023-11-14T22:13:20.000000Z"), ("2024-01-01 00:00:00.5+00", "2024-01-01T00:00:00.500000Z"),
        ("2024-01-01T01:00:00+01:00", "2024-01-01T00:00:00.000000Z"), ("yesterday", ""), ("", ""), ("9" * 30, ""),
    ],
)  # fmt: skip
def test_moments_are_read_in_many_spellings(text: str, moment: str) -> None:
    assert stamp(text) == moment
