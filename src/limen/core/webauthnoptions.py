"""What a browser is asked: the options of `navigator.credentials.create` and `.get`, as Kratos' forms carry them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from limen.core import cose
from limen.core.webauthn import RelyingParty, Verification, encode

Options = dict[str, Any]
_LONG, _SHORT = (
    300.0,
    120.0,
)  # seconds a browser waits (§5.4, the recommended ranges): for a PIN or a finger, for a touch


class Wishes(Struct, frozen=True, kw_only=True):
    """Which authenticators are welcome, and how long the browser waits (seconds; None: what is usual)."""

    user_verification: Verification = "discouraged"
    resident_key: str = ""
    attachment: str = ""
    attestation: str = ""
    registration_timeout: float | None = None
    login_timeout: float | None = None


def new_challenge() -> str:
    """256 random bits."""
    return encode(secrets.token_bytes(32))


def creation(
    rp: RelyingParty, wishes: Wishes, challenge: str, handle: bytes, name: str, exclude: Iterable[bytes] = ()
) -> Options:
    """Make a key for the person with this handle. `exclude`: keys of theirs, so that no authenticator gets a second one."""
    selection: Options = {"userVerification": wishes.user_verification}
    if wishes.resident_key:
        selection |= {
            "requireResidentKey": wishes.resident_key == "required",
            "residentKey": wishes.resident_key,
        }
    if wishes.attachment:
        selection["authenticatorAttachment"] = wishes.attachment
    public: Options = {
        "rp": {"name": rp.name, "id": rp.id},
        "user": {"name": name or rp.name, "displayName": name or rp.name, "id": encode(handle)},
        "challenge": challenge,
        "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in cose.ALGORITHMS],
        "timeout": _milliseconds(wishes.registration_timeout, wishes),
        **_keys("excludeCredentials", exclude),
        "authenticatorSelection": selection,
    }
    if wishes.attestation:
        public["attestation"] = wishes.attestation
    return {"publicKey": public}


def request(rp: RelyingParty, wishes: Wishes, challenge: str, allow: Iterable[bytes] = ()) -> Options:
    """Prove to hold one of these keys or, when none is named, any key for this domain."""
    return {
        "publicKey": {
            "challenge": challenge,
            "timeout": _milliseconds(wishes.login_timeout, wishes),
            "rpId": rp.id,
            **_keys("allowCredentials", allow),
            "userVerification": wishes.user_verification,
        }
    }


def _keys(name: str, ids: Iterable[bytes]) -> Options:
    listed = [{"type": "public-key", "id": encode(id_)} for id_ in ids]
    return {name: listed} if listed else {}


def _milliseconds(seconds: float | None, wishes: Wishes) -> int:
    usual = _SHORT if wishes.user_verification == "discouraged" else _LONG
    return round((seconds or usual) * 1000)
