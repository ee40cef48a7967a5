"""A small database of the shape that Kratos keeps: the tables and columns that matter to people who move."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

NETWORK = str(uuid4())
TYPES = ("password", "oidc", "totp", "lookup_secret", "webauthn", "code", "passkey")
# Columns by table: id is a UUID, *_at a time, `config` and its like JSON.
TABLES = {
    "networks": "id created_at updated_at",
    "identity_credential_types": "id name",
    "identities": "id nid schema_id traits state state_changed_at created_at updated_at metadata_public metadata_admin "
    "available_aal organization_id external_id",
    "identity_credentials": "id nid identity_id identity_credential_type_id config version created_at updated_at",
    "identity_credential_identifiers": "id nid identity_credential_id identifier created_at updated_at",
    "identity_verifiable_addresses": "id nid identity_id status via verified value verified_at created_at updated_at",
    "identity_recovery_addresses": "id nid identity_id via value created_at updated_at",
    "sessions": "id nid identity_id issued_at expires_at authenticated_at created_at updated_at active aal "
    "authentication_methods token logout_token",
    "session_devices": "id nid session_id identity_id ip_address user_agent location created_at updated_at",
}
_JSON = {"traits", "config", "metadata_public", "metadata_admin", "authentication_methods"}
_UUID = {
    "id",
    "nid",
    "identity_id",
    "identity_credential_id",
    "identity_credential_type_id",
    "session_id",
    "organization_id",
}
NOW = datetime.now(UTC)


def _kind(column: str, postgres: bool) -> str:
    if column in _JSON:
        return "jsonb" if postgres else "text"
    if column in _UUID:
        return "uuid" if postgres else "char(36)"
    if column.endswith("_at"):
        return "timestamptz" if postgres else "datetime"
    if column in ("active", "verified"):
        return "boolean" if postgres else "numeric"
    return "integer" if column == "version" else "text"


class Kratos:
    """Rows to be written. Ids and times that are not given are made up."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, dict[str, Any]]] = []
        self.add("networks", id=NETWORK)
        self.types = {name: self.add("identity_credential_types", name=name) for name in TYPES}

    def add(self, table: str, **values: Any) -> str:
        columns = TABLES[table].split()
        row = dict.fromkeys(columns) | {c: NOW for c in columns if c in ("created_at", "updated_at")}
        row |= {"id": str(uuid4())} | ({"nid": NETWORK} if "nid" in columns else {}) | values
        self.rows.append((table, row))
        return str(row["id"])

    def person(self, email: str, *, id_: str = "", verified: bool = False, **more: Any) -> str:
        traits = {"email": email}
        own = self.add(
            "identities", id=id_ or str(uuid4()), schema_id="default", traits=traits, state="active", state_changed_at=NOW,
            **more,
        )  # fmt: skip
        self.add(
            "identity_verifiable_addresses", identity_id=own, via="email", value=email, verified=verified,
            status="completed" if verified else "pending", verified_at=NOW if verified else None,
        )  # fmt: skip
        self.add("identity_recovery_addresses", identity_id=own, via="email", value=email)
        return own

    def credential(self, person: str, type_: str, config: dict[str, Any], *identifiers: str) -> None:
        own = self.add(
            "identity_credentials",
            identity_id=person,
            identity_credential_type_id=self.types[type_],
            config=config,
            version=1,
        )
        for identifier in identifiers:
            self.add("identity_credential_identifiers", identity_credential_id=own, identifier=identifier)

    def session(self, person: str, token: str, *, active: bool = True, hours: float = 24) -> None:
        own = self.add(
            "sessions", identity_id=person, issued_at=NOW, authenticated_at=NOW, expires_at=NOW + timedelta(hours=hours),
            active=active, aal="aal2", token=token, logout_token=f"ory_lo_{token}",
            authentication_methods=[
                {"method": method, "aal": aal, "completed_at": NOW.isoformat()}
                for method, aal in (("password", "aal1"), ("totp", "aal2"))
            ],
        )  # fmt: skip
        self.add(
            "session_devices",
            session_id=own,
            identity_id=person,
            ip_address="192.0.2.7",
            user_agent="Firefox",
            location="",
        )

    def write(self, dsn: str) -> None:
        if dsn.startswith("sqlite://"):
            self._sqlite(Path(dsn.removeprefix("sqlite://")))
        else:
            asyncio.run(self._postgres(dsn))

    def _sqlite(self, file: Path) -> None:
        with sqlite3.connect(file) as connection:
            for table, columns in TABLES.items():
                connection.execute(
                    f"create table {table} ({', '.join(f'{c} {_kind(c, False)}' for c in columns.split())})"
                )
            for table, row in self.rows:
                values = [self._text(column, value) for column, value in row.items()]
                connection.execute(
                    f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", values
                )
        connection.close()

    def _text(self, column: str, value: Any) -> Any:
        if isinstance(value, datetime):
            return value.isoformat(sep=" ")
        return json.dumps(value) if column in _JSON and value is not None else value

    async def _postgres(self, dsn: str) -> None:
        connection = await asyncpg.connect(dsn)
        for table, columns in TABLES.items():
            await connection.execute(
                f"create table {table} ({', '.join(f'{c} {_kind(c, True)}' for c in columns.split())})"
            )
        for table, row in self.rows:
            marks = ", ".join(f"${i + 1}" for i in range(len(row)))
            await connection.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", *self._typed(row))
        await connection.close()

    def _typed(self, row: dict[str, Any]) -> Sequence[Any]:
        return [
            json.dumps(v) if c in _JSON and v is not None else UUID(v) if c in _UUID and isinstance(v, str) else v
            for c, v in row.items()
        ]
