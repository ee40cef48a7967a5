"""What the process needs before there is a project: the data source, and what stands in for a missing configuration."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit, urlunsplit

from msgspec import Struct

from limen.core.config import Config
from limen.db.database import DatabaseError, Driver
from limen.db.postgres import Postgres
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

    @property
    def migrates_itself(self) -> bool:
        return self.sqlite is not None

    async def open(self) -> Driver:
        """:raises DatabaseError: it cannot be reached"""
        if self.sqlite is not None:
            if self.sqlite.path is not None and self.sqlite.create:
                _make_folder(self.sqlite.path.parent)
            return await Sqlite.open(self.sqlite)
        return await Postgres.open(self.postgres, size=self.pool_size, cockroach=self.cockroach)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(f"the folder {folder} cannot be made: {error.strerror}") from error


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


def stand_in(folder: Path) -> dict[str, Any]:
    """The configuration of a server that was given none: everything in one folder, on this machine only."""
    public = f"http://127.0.0.1:{PUBLIC_PORT}/"
    return {
        "dsn": f"sqlite://{(folder / 'limen.sqlite').absolute()}",
        "serve": {
            "public": {"host": "127.0.0.1", "port": PUBLIC_PORT, "base_url": public},
            "admin": {"host": "127.0.0.1", "port": ADMIN_PORT, "base_url": f"http://127.0.0.1:{ADMIN_PORT}/"},
        },
        "selfservice": {
            "default_browser_return_url": public + "ui/",
            "flows": {
                "registration": {"after": {"password": {"hooks": [{"hook": "session"}]}}},
                "logout": {"after": {"default_browser_return_url": public + "ui/login?signed_out=true"}},
            },
        },
        # OWASP's recommendation for argon2id: as safe as larger ones, and a sign-in costs 20 ms.
        "hashers": {
            "algorithm": "argon2",
            "argon2": {"memory": "19456KB", "iterations": 2, "parallelism": 1},
        },
        "cookies": {"secure": "false"},
        "session": {"cookie": {"secure": "false"}},
        "secrets": _kept_secrets(folder),
        "identity": {
            "default_schema_id": "default",
            "schemas": [{"id": "default", "url": (Path(__file__).parent / "defaults/identity.schema.json").as_uri()}],
        },
    }


def _kept_secrets(folder: Path) -> dict[str, list[str]]:
    """Secrets made once and kept where only the owner may read them."""
    file = folder / "secrets.json"
    if not file.exists():
        _make_folder(folder)
        made = {
            "default": [secrets.token_hex(16)],
            "cookie": [secrets.token_hex(16)],
            "cipher": [secrets.token_hex(16)],
        }
        # Written beside and renamed: two servers that start at once end up with the same secrets.
        fresh = folder / f".secrets-{secrets.token_hex(4)}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as out:
            json.dump(made, out)
        try:
            os.link(fresh, file)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    kept: dict[str, list[str]] = json.loads(file.read_text())
    return kept
