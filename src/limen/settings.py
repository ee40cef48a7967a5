"""What the process needs before there is a project: the data source, and what stands in for a missing configuration."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit, urlunsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from limen.core.config import Config
from limen.db.database import DatabaseError, Driver
from limen.db.sqlite import Sqlite, SqliteOptions

DATA_FOLDER = Path("limen-data")
PUBLIC_PORT, ADMIN_PORT = 4433, 4434
_POOL_OPTIONS = ("max_conns", "max_idle_conns", "max_conn_lifetime", "max_conn_idle_time", "max_conn_idle_timeout")


class DataSource(Struct, frozen=True):
    """A `dsn`, read. `sqlite` or `postgres` is set, never both."""

    sqlite: SqliteOptions | None = None
    postgres: str = ""
    cockroach: bool = False
    pool_size: int = 10
    read_only: bool = False

    def for_reading(self) -> DataSource:
        """The same, which refuses to be changed and is not made where it is not there."""
        if self.sqlite is None:
            return replace(self, read_only=True)
        if self.sqlite.path is None:
            return self
        return replace(self, sqlite=replace(self.sqlite, create=False, keep=True), read_only=True)

    @property
    def migrates_itself(self) -> bool:
        return self.sqlite is not None and not self.read_only

    async def open(self) -> Driver:
        """:raises DatabaseError: it cannot be reached"""
        if self.sqlite is not None:
            if self.sqlite.path is not None and self.sqlite.create:
                _make_folder(self.sqlite.path.parent)
                _make_file(self.sqlite.path)
            return await Sqlite.open(self.sqlite)
        from limen.db.postgres import Postgres  # noqa: PLC0415 - asyncpg only for those who have PostgreSQL

        return await Postgres.open(
            self.postgres, size=self.pool_size, cockroach=self.cockroach, read_only=self.read_only
        )


class FolderError(DatabaseError):
    """A folder for data, or a file in it, cannot be used; the text says which and why."""


def _make_folder(folder: Path) -> None:
    """Make a folder that nobody else may look into. One that is there keeps the rights its owner gave it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise FolderError(f"the folder {folder} cannot be made: {error.strerror}") from error


def _make_file(file: Path) -> None:
    """Make a database that nobody else may read; SQLite gives the files beside it the same rights."""
    if file.exists():
        return
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:  # another node was faster
        pass
    except OSError as error:
        raise FolderError(f"the file {file} cannot be made: {error.strerror}") from error


def data_source(dsn: str, config: Config) -> DataSource:
    """Read a data source name.

    :raises DatabaseError: the scheme is none we know, or an option has no sense
    """
    own = config.limen.database
    scheme, _, rest = dsn.partition("://")
    if dsn == "memory":
        return DataSource(sqlite=SqliteOptions(None, synchronous="off"))
    if scheme == "sqlite":
        return DataSource(sqlite=_sqlite(rest, own.sqlite_synchronous))
    if scheme in ("postgres", "postgresql", "cockroach"):
        parts = urlsplit(dsn)
        query = parse_qs(parts.query)
        size = int(query.get("max_conns", [str(own.pool_size)])[0])
        kept = {k: v[-1] for k, v in query.items() if k not in _POOL_OPTIONS}
        address = urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(kept), ""))
        return DataSource(postgres=address, cockroach=scheme == "cockroach", pool_size=max(1, size))
    raise DatabaseError(
        f"the data source {scheme or dsn!r} is none Limen knows: memory, sqlite://, postgres://, postgresql:// and "
        "cockroach:// are"
    )


def _sqlite(rest: str, synchronous: str) -> SqliteOptions:
    """`sqlite://` and what Kratos' driver takes after it: a path, `:memory:`, and options with a leading underscore."""
    path, _, query = rest.removeprefix("file:").partition("?")
    options = {k: v[-1] for k, v in parse_qs(query).items()}
    mode = options.get("mode", "rwc")
    timeout = options.get("_busy_timeout", options.get("_timeout"))
    return SqliteOptions(
        path=None if path in ("", ":memory:") or mode == "memory" else Path(unquote(path)),
        busy_timeout=int(timeout) / 1000 if timeout and timeout.isdecimal() else 10.0,
        synchronous=options.get("_synchronous", options.get("_sync", synchronous)).lower(),
        foreign_keys=options.get("_fk", options.get("_foreign_keys", "true")).lower() in ("1", "true", "on", "yes"),
        read_only=mode == "ro",
        create=mode == "rwc",
    )


def stand_in(folder: Path, *, with_secrets: bool = True) -> dict[str, Any]:
    """The configuration of a server that was given none: everything in one folder, on this machine only.

    :param with_secrets: whether secrets are needed; they are made if there are none yet
    :raises FolderError: they cannot be kept
    """
    public = f"http://localhost:{PUBLIC_PORT}/"  # a name: browsers bind passkeys to none but names
    party = {"id": "localhost", "display_name": "Limen"}
    return {
        "dsn": f"sqlite://{(folder / 'limen.sqlite').absolute()}",
        "serve": {
            "public": {"host": "127.0.0.1", "port": PUBLIC_PORT, "base_url": public},
            "admin": {"host": "127.0.0.1", "port": ADMIN_PORT, "base_url": f"http://127.0.0.1:{ADMIN_PORT}/"},
        },
        "selfservice": {
            "default_browser_return_url": public + "ui/",
            "flows": {
                "recovery": {"enabled": True},  # their mails are shown at /ui/mailbox
                "verification": {"enabled": True},
                "registration": {"after": {way: {"hooks": [{"hook": "session"}]} for way in ("password", "passkey")}},
                "logout": {"after": {"default_browser_return_url": public + "ui/login?signed_out=true"}},
            },
            "methods": {
                "totp": {"enabled": True, "config": {"issuer": "Limen"}},
                "lookup_secret": {"enabled": True},
                "passkey": {"enabled": True, "config": {"rp": party}},
                "webauthn": {"enabled": True, "config": {"passwordless": False, "rp": party}},
            },
        },
        # OWASP's recommendation for argon2id: as safe as larger ones, and a sign-in costs 20 ms.
        "hashers": {
            "algorithm": "argon2",
            "argon2": {"memory": "19456KB", "iterations": 2, "parallelism": 1},
        },
        "cookies": {"secure": "false"},
        "session": {"cookie": {"secure": "false"}},
        "secrets": _kept_secrets(folder) if with_secrets else {},
        "ciphers": {"algorithm": "xchacha20-poly1305" if with_secrets else "noop"},
        "identity": {
            "default_schema_id": "default",
            "schemas": [{"id": "default", "url": (Path(__file__).parent / "defaults/identity.schema.json").as_uri()}],
        },
    }


class _Secrets(Struct):
    default: list[str]
    cookie: list[str]
    cipher: list[str]


def _kept_secrets(folder: Path) -> dict[str, list[str]]:
    """Secrets made once and kept where only the owner may read them."""
    file = folder / "secrets.json"
    try:
        if not file.exists():
            _make_folder(folder)
            _keep(file, _Secrets(*([secrets.token_hex(16)] for _ in range(3))))
        kept = msgspec.json.decode(file.read_bytes(), type=_Secrets)
    except OSError as error:
        raise FolderError(f"the secrets in {file} cannot be kept: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise FolderError(
            f"the secrets in {file} cannot be read: {error}. Bring the file back from a backup; "
            "without it, everybody has to sign in again"
        ) from error
    return msgspec.structs.asdict(kept)


def _keep(file: Path, made: _Secrets) -> None:
    """Written beside and linked: of two servers that start at once, one finds the secrets of the other."""
    fresh = file.with_name(f".secrets-{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(msgspec.json.encode(made))
        with contextlib.suppress(FileExistsError):
            os.link(fresh, file)
    finally:
        fresh.unlink()
