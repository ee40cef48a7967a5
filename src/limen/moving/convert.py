"""From Kratos' rows to people and sessions as they are kept here. Ids, hashes, secrets and proofs stay what they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import replace

from limen.context import Context
from limen.core import clock
from limen.identity import factors
from limen.identity.model import Credential, Identity, RecoveryAddress, VerifiableAddress
from limen.moving.source import Page, Row
from limen.session.model import Device, Proof, Session


class Mover(Struct, frozen=True):
    """A person who moves in, with the sessions (and their tokens) that are still good."""

    identity: Identity
    sessions: Sequence[tuple[Session, str]]


def movers(ctx: Context, page: Page) -> Iterator[Mover]:
    """The people of a page, in the order of ids."""
    identifiers = _by(page.identifiers, "identity_credential_id")
    credentials = _by(page.credentials, "identity_id")
    verifiable, recovery = _by(page.verifiable, "identity_id"), _by(page.recovery, "identity_id")
    sessions, devices = _by(page.sessions, "identity_id"), _by(page.devices, "session_id")
    for row in page.people:
        id_ = str(row["id"])
        identity = Identity(
            id=id_,
            version=1,
            schema_id=row["schema_id"],
            state=row.get("state") or "active",
            traits=_json(row["traits"]) or {},
            created_at=_time(row["created_at"]),
            updated_at=_time(row["updated_at"]),
            state_changed_at=_time(row.get("state_changed_at") or row["created_at"]),
            external_id=row.get("external_id"),
            organization_id=str(row["organization_id"]) if row.get("organization_id") else None,
            verifiable_addresses=tuple(_verifiable(a) for a in verifiable[id_]),
            recovery_addresses=tuple(_recovery(a) for a in recovery[id_]),
            metadata_public=_json(row.get("metadata_public")),
            metadata_admin=_json(row.get("metadata_admin")),
            credentials={
                c["type"]: _credential(c, identifiers) for c in sorted(credentials[id_], key=lambda c: c["type"])
            },
        )
        identity = replace(identity, available_aal=factors.available_aal(ctx.project.config, identity))
        yield Mover(identity, tuple(_live(ctx, sessions[id_], devices)))


def _by(rows: Iterable[Row], key: str) -> defaultdict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[str(row[key])].append(row)
    return found


def _json(value: Any) -> Any:
    return msgspec.json.decode(value) if isinstance(value, str | bytes) else value


def _time(value: Any) -> str:
    """Kratos' times, which SQLite keeps as text, as ours."""
    if isinstance(value, datetime):
        return clock.text(value if value.tzinfo else value.replace(tzinfo=UTC))
    moment = datetime.fromisoformat(str(value))
    return clock.text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _verifiable(row: Row) -> VerifiableAddress:
    verified = bool(row["verified"])
    return VerifiableAddress(
        id=str(row["id"]),
        value=row["value"],
        verified=verified,
        via=row["via"],
        status=row["status"],
        created_at=_time(row["created_at"]),
        updated_at=_time(row["updated_at"]),
        verified_at=_time(row["verified_at"]) if verified and row.get("verified_at") else UNSET,
    )


def _recovery(row: Row) -> RecoveryAddress:
    return RecoveryAddress(
        id=str(row["id"]),
        value=row["value"],
        via=row["via"],
        created_at=_time(row["created_at"]),
        updated_at=_time(row["updated_at"]),
    )


def _credential(row: Row, identifiers: Mapping[str, Sequence[Row]]) -> Credential:
    return Credential(
        type=row["type"],
        identifiers=tuple(sorted({i["identifier"] for i in identifiers[str(row["id"])]})),
        config=_json(row["config"]) or {},
        version=int(row.get("version") or 0),
        created_at=_time(row["created_at"]),
        updated_at=_time(row["updated_at"]),
    )


def _live(ctx: Context, rows: Sequence[Row], devices: Mapping[str, Sequence[Row]]) -> Iterator[tuple[Session, str]]:
    for row in rows:
        expires = _time(row["expires_at"])
        if not row["active"] or expires <= ctx.stamp or not row.get("token"):
            continue
        proofs = _json(row.get("authentication_methods")) or []
        seen = [
            Device(str(d["id"]), d.get("ip_address") or "", d.get("user_agent") or "", d.get("location") or "")
            for d in devices[str(row["id"])]
        ]
        session = Session(
            id=str(row["id"]),
            identity_id=str(row["identity_id"]),
            active=True,
            created_at=_time(row["created_at"]),
            expires_at=expires,
            authenticated_at=_time(row["authenticated_at"]),
            issued_at=_time(row["issued_at"]),
            proofs=tuple(_proof(p) for p in proofs),
            devices=tuple(seen),
        )
        yield session, row["token"]


def _proof(said: Mapping[str, Any]) -> Proof:
    done = said.get("completed_at")
    known = {
        "method": said.get("method", ""),
        "aal": said.get("aal", "aal1"),
        "completed_at": _time(done) if done else "",
    }
    more = {key: said[key] for key in ("provider", "organization", "upstream_acr", "upstream_amr") if said.get(key)}
    return msgspec.convert({**known, **more}, Proof)
