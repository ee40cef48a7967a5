"""Security keys and passkeys as a person makes and uses them, and a configuration with all second factors."""

from __future__ import annotations

import copy
from typing import Any

from tests.support.authenticator import ORIGIN, RP, Authenticator
from tests.support.callers import Caller, told, value
from tests.support.server import PERSON, LiveServer, merge

PARTY = {"rp": {"id": RP, "display_name": "Example", "origins": [ORIGIN]}}
ANN = "ann@example.org"


def methods(*, passwordless: bool = False) -> dict[str, Any]:
    """All second factors, and passkeys; with `passwordless`, security keys sign in alone."""
    return {
        "totp": {"enabled": True},
        "lookup_secret": {"enabled": True},
        "webauthn": {"enabled": True, "config": {"passwordless": passwordless, **PARTY}},
        "passkey": {"enabled": True, "config": PARTY},
    }


def config(over: dict[str, Any] | None = None, *, passwordless: bool = False) -> dict[str, Any]:
    after = {name: {"hooks": [{"hook": "session"}]} for name in ("passkey", "webauthn")}
    base = {
        "selfservice": {
            "methods": methods(passwordless=passwordless),
            "flows": {"registration": {"after": after}, "settings": {"required_aal": "highest_available"}},
        },
        "session": {"whoami": {"required_aal": "highest_available"}},
    }
    return merge(base, over or {})


def schema() -> dict[str, Any]:
    """A person whose address names security keys and passkeys, too."""
    person = copy.deepcopy(PERSON)
    credentials = person["properties"]["traits"]["properties"]["email"]["ory.sh/kratos"]["credentials"]  # type: ignore[index]
    credentials |= {"webauthn": {"identifier": True}, "passkey": {"display_name": True}}
    return person


def add_key(caller: Caller, key: Authenticator, name: str = "key") -> None:
    form = caller.start("settings")
    answer = key.create(value(form, "webauthn_register_trigger"))
    caller.submit(form, webauthn_register=answer, webauthn_register_displayname=name)
    assert told(caller.shown("settings")) == {1050001}, caller.last.text


def add_passkey(caller: Caller, key: Authenticator) -> None:
    form = caller.start("settings")
    caller.submit(form, passkey_settings_register=key.create(value(form, "passkey_create_data")))
    assert told(caller.shown("settings")) == {1050001}, caller.last.text


def use_key(caller: Caller, key: Authenticator, form: dict[str, Any], email: str = ANN, **wrong: Any) -> None:
    answer = key.get(value(form, "webauthn_login_trigger"), **wrong)
    caller.submit(form, method="webauthn", identifier=email, webauthn_login=answer)


def use_passkey(caller: Caller, key: Authenticator, **wrong: Any) -> None:
    form = caller.start("login")
    caller.submit(form, method="passkey", passkey_login=key.get(value(form, "passkey_challenge"), **wrong))


def proofs(caller: Caller) -> list[tuple[str, str]]:
    """Method and level of each proof of the caller's session."""
    return [(p["method"], p["aal"]) for p in caller.whoami()["authentication_methods"]]


def of_admin(server: LiveServer, caller: Caller, identity_id: str, *types: str) -> dict[str, Any]:
    """The credentials of a person with the configs of these types."""
    asked = "&".join(f"include_credential={type_}" for type_ in types)
    found = caller.http.get(f"{server.admin}admin/identities/{identity_id}?{asked}")
    return dict(found.json()["credentials"])
