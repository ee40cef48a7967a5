"""Security keys and passkeys: made, used and removed, as an app, a script and a page."""

from __future__ import annotations

from typing import Any

import pytest
from tests.conftest import Start
from tests.support.authenticator import BE, BS, EDDSA, ES256, ES384, ES512, PS256, RS256, UP, UV, Authenticator, b64u
from tests.support.callers import KINDS, Caller, Kind, flow_id, has, nodes, told, value
from tests.support.factors import set_up_app
from tests.support.keys import (
    ANN,
    add_key,
    add_passkey,
    config,
    of_admin,
    proofs,
    schema,
    use_key,
    use_passkey,
)
from tests.support.server import LiveServer

everybody = pytest.mark.parametrize("kind", KINDS)
browsers = pytest.mark.parametrize("kind", ["script", "page"])
EVIL = "https://evil.example.com"


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start(config(), schema=schema())


@pytest.fixture
def keys_only(start: Start) -> LiveServer:
    """Here a security key is all one needs."""
    return start(config(passwordless=True), schema=schema())


# --- passkeys -------------------------------------------------------------------------------------------------------


@everybody
def test_sign_up_and_in_with_a_passkey(server: LiveServer, kind: Kind) -> None:
    ann, key = Caller(server, kind), Authenticator()
    form = ann.start("registration")
    ann.submit(form, method="profile", traits={"email": ANN})
    form = ann.shown("registration")
    assert has(form, "webauthn_script") == (kind != "app")
    answer = key.create(value(form, "passkey_create_data"))
    ann.submit(form, method="passkey", passkey_register=answer, traits={"email": ANN})
    assert proofs(ann) == [("passkey", "aal1")]
    again = Caller(server, kind)
    use_passkey(again, key)
    assert again.whoami()["identity"]["traits"]["email"] == ANN
    assert proofs(again) == [("passkey", "aal1")]


@everybody
def test_a_passkey_confirms_a_session(server: LiveServer, kind: Kind) -> None:
    ann, key = Caller(server, kind), Authenticator()
    ann.sign_up()
    add_passkey(ann, key)
    form = ann.start("login", refresh="true")
    ann.submit(form, method="passkey", passkey_login=key.get(value(form, "passkey_challenge")))
    assert proofs(ann) == [("password", "aal1"), ("passkey", "aal1"), ("passkey", "aal1")]


@everybody
def test_somebody_elses_passkey_confirms_nothing(server: LiveServer, kind: Kind) -> None:
    ben, key = Caller(server, kind), Authenticator()
    ben.sign_up("ben@example.org")
    add_passkey(ben, key)
    ann = Caller(server, kind)
    ann.sign_up()
    add_passkey(ann, Authenticator())
    form = ann.start("login", refresh="true")
    ann.submit(form, method="passkey", passkey_login=key.get(value(form, "passkey_challenge")))
    assert told(ann.shown("login")) >= {4000043}
    assert ann.whoami()["identity"]["traits"]["email"] == ANN


WRONG: dict[str, dict[str, Any]] = {
    "another site": {"origin": EVIL},
    "a frame of another site": {"crossOrigin": True},
    "another question": {"challenge": b64u(b"x" * 32)},
    "another kind of question": {"type": "webauthn.other"},
    "another domain": {"rp": "example.org"},
    "nobody there": {"flags": UV},
    "backed up without being able to": {"flags": UP | UV | BS},
}
wrongly = pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)


@wrongly
@everybody
def test_an_answer_that_proves_nothing_makes_no_passkey(server: LiveServer, kind: Kind, wrong: dict[str, Any]) -> None:
    ann = Caller(server, kind)
    ann.sign_up()
    form = ann.start("settings")
    answer = Authenticator().create(value(form, "passkey_create_data"), **wrong)
    ann.submit(form, passkey_settings_register=answer)
    assert ann.last.status_code in (400, 303)
    assert told(ann.shown("settings")) == {4000043}
    assert not has(ann.start("settings"), "passkey_remove")


@wrongly
@everybody
def test_an_answer_that_proves_nothing_signs_nobody_in(server: LiveServer, kind: Kind, wrong: dict[str, Any]) -> None:
    ann, key = Caller(server, kind), Authenticator()
    ann.sign_up()
    add_passkey(ann, key)
    thief = Caller(server, kind)
    use_passkey(thief, key, **wrong)
    assert told(thief.shown("login")) == {4000043}
    assert not thief.is_signed_in


@everybody
def test_an_answer_is_good_once(server: LiveServer, kind: Kind) -> None:
    ann, key = Caller(server, kind), Authenticator()
    ann.sign_up()
    add_passkey(ann, key)
    caller = Caller(server, kind)
    form = caller.start("login")
    answer = key.get(value(form, "passkey_challenge"))
    caller.submit(form, method="passkey", passkey_login=answer)
    assert caller.is_signed_in
    caller.token = ""
    caller.http.cookies.delete("ory_kratos_session")
    caller.submit(form, method="passkey", passkey_login=answer)
    assert not caller.is_signed_in


@everybody
def test_a_checked_holder_may_be_asked_for(start: Start, kind: Kind) -> None:
    selection = {"authenticator_selection": {"user_verification": "required"}}
    over = {"selfservice": {"methods": {"passkey": {"config": selection}}}}
    server = start(config(over), schema=schema())
    ann, key = Caller(server, kind), Authenticator()
    ann.sign_up()
    form = ann.start("settings")
    unchecked = Authenticator().create(value(form, "passkey_create_data"), flags=UP)
    ann.submit(form, passkey_settings_register=unchecked)
    assert told(ann.shown("settings")) == {4000043}
    add_passkey(ann, key)
    caller = Caller(server, kind)
    use_passkey(caller, key, flags=UP)
    assert not caller.is_signed_in
    use_passkey(caller, key, flags=UP | UV)
    assert caller.is_signed_in


@pytest.mark.parametrize("algorithm", [ES256, ES384, ES512, EDDSA, RS256, PS256])
def test_every_algorithm_that_is_offered_signs_in(server: LiveServer, algorithm: int) -> None:
    ann, key = Caller(server, "app"), Authenticator(algorithm)
    ann.sign_up()
    add_passkey(ann, key)
    caller = Caller(server, "app")
    use_passkey(caller, key, signer=Authenticator(algorithm))
    assert not caller.is_signed_in
    use_passkey(caller, key)
    assert caller.is_signed_in


def test_an_algorithm_that_was_not_offered_is_refused(server: LiveServer) -> None:
    ann = Caller(server, "app")
    ann.sign_up()
    key = Authenticator()
    key.cose = lambda: b"\xa5\x01\x02\x03\x38\x2e\x20\x08\x21\x58\x20" + bytes(32) + b"\x22\x58\x20" + bytes(32)  # type: ignore[method-assign] # ES256K
    form = ann.start("settings")
    ann.submit(form, passkey_settings_register=key.create(value(form, "passkey_create_data")))
    assert told(ann.shown("settings")) == {4000043}


@everybody
def test_the_last_way_in_stays(server: LiveServer, kind: Kind) -> None:
    ann, key = Caller(server, kind), Authenticator()
    form = ann.start("registration")
    ann.submit(form, method="profile", traits={"email": ANN})
    form = ann.shown("registration")
    answer = key.create(value(form, "passkey_create_data"))
    ann.submit(form, method="passkey", passkey_register=answer, traits={"email": ANN})
    form = ann.start("settings")
    assert nodes(form, "passkey_remove")[0]["attributes"]["disabled"] is True
    ann.submit(form, passkey_remove=key.id.hex())
    assert told(ann.shown("settings")) == {4000001}
    other = Authenticator()
    add_passkey(ann, other)
    form = ann.start("settings")
    ann.submit(form, passkey_remove=key.id.hex())
    assert told(ann.shown("settings")) == {1050001}
    caller = Caller(server, kind)
    use_passkey(caller, key)
    assert not caller.is_signed_in
    use_passkey(caller, other)
    assert caller.is_signed_in


def test_a_copy_of_a_key_is_noticed(server: LiveServer) -> None:
    ann, key = Caller(server, "app"), Authenticator()
    identity = ann.sign_up()
    add_passkey(ann, key)

    def seen() -> dict[str, Any]:
        stored = of_admin(server, ann, identity["id"], "passkey")["passkey"]["config"]["credentials"][0]
        return dict(stored["authenticator"])

    use_passkey(Caller(server, "app"), key)
    assert (seen()["sign_count"], seen()["clone_warning"]) == (2, False)
    key.count = 0
    caller = Caller(server, "app")
    use_passkey(caller, key)
    assert caller.is_signed_in
    assert (seen()["sign_count"], seen()["clone_warning"]) == (2, True)
    key.count = 2
    use_passkey(Caller(server, "app"), key)
    assert (seen()["sign_count"], seen()["clone_warning"]) == (3, False)


def test_a_synchronised_passkey_has_no_counter(server: LiveServer) -> None:
    ann, key = Caller(server, "app"), Authenticator()
    identity = ann.sign_up()
    key.auth_data = lambda flags, rest=b"", rp="": Authenticator.auth_data(_still(key), flags, rest, rp=rp)  # type: ignore[method-assign]
    form = ann.start("settings")
    created = key.create(value(form, "passkey_create_data"), flags=UP | UV | BE | BS)
    ann.submit(form, passkey_settings_register=created)
    use_passkey(Caller(server, "app"), key, flags=UP | UV | BE)
    stored = of_admin(server, ann, identity["id"], "passkey")["passkey"]["config"]["credentials"][0]
    assert stored["authenticator"] == {"aaguid": "AAAAAAAAAAAAAAAAAAAAAA==", "sign_count": 0, "clone_warning": False}
    assert stored["flags"]["backup_eligible"] is True
    assert stored["flags"]["backup_state"] is False
    caller = Caller(server, "app")
    use_passkey(caller, key, flags=UP | UV)  # suddenly it cannot be backed up: not the same key
    assert not caller.is_signed_in


def _still(key: Authenticator) -> Authenticator:
    key.count = -1
    return key


def test_a_known_model_gives_a_key_its_name(server: LiveServer) -> None:
    ann = Caller(server, "app")
    ann.sign_up()
    form = ann.start("settings")
    aaguid = bytes.fromhex("bada5566a7aa401fbd9645619a55120d")
    created = Authenticator().create(
        value(form, "passkey_create_data"), aaguid=aaguid, transports=["internal", "hybrid"]
    )
    ann.submit(form, passkey_settings_register=created)
    removal = nodes(ann.shown("settings"), "passkey_remove")[0]
    assert removal["meta"]["label"]["context"]["display_name"] == "1Password"


# --- security keys --------------------------------------------------------------------------------------------------


@browsers
def test_a_security_key_is_a_second_factor(server: LiveServer, kind: Kind) -> None:
    ann, key = Caller(server, kind), Authenticator()
    ann.sign_up()
    add_key(ann, key)
    assert proofs(ann) == [("password", "aal1"), ("webauthn", "aal2")]
    caller = Caller(server, kind)
    caller.sign_in()
    assert not caller.is_signed_in
    form = caller.start("login", aal="aal2")
    assert value(form, "identifier") == ANN
    use_key(caller, key, form)
    assert proofs(caller) == [("password", "aal1"), ("webauthn", "aal2")]
    form = caller.start("settings")
    caller.submit(form, webauthn_remove=key.id.hex())
    assert told(caller.shown("settings")) == {1050001}
    assert Caller(server, kind).sign_in().status_code in (200, 303)


@wrongly
@browsers
def test_a_second_step_is_checked_as_well(server: LiveServer, kind: Kind, wrong: dict[str, Any]) -> None:
    ann, key = Caller(server, kind), Authenticator()
    ann.sign_up()
    add_key(ann, key)
    caller = Caller(server, kind)
    caller.sign_in()
    form = caller.start("login", aal="aal2")
    use_key(caller, key, form, **wrong)
    assert told(caller.shown("login")) == {4000043}
    assert not caller.is_signed_in


@browsers
def test_a_key_of_somebody_else_is_no_second_factor(server: LiveServer, kind: Kind) -> None:
    ben, other = Caller(server, kind), Authenticator()
    ben.sign_up("ben@example.org")
    add_key(ben, other)
    ann, key = Caller(server, kind), Authenticator()
    ann.sign_up()
    add_key(ann, key)
    caller = Caller(server, kind)
    caller.sign_in()
    form = caller.start("login", aal="aal2")
    for email in (ANN, "ben@example.org"):
        use_key(caller, other, form, email)
        assert told(caller.shown("login")) == {4000043}
    assert not caller.is_signed_in


@browsers
def test_sign_up_and_in_with_a_security_key_alone(keys_only: LiveServer, kind: Kind) -> None:
    ann, key = Caller(keys_only, kind), Authenticator()
    form = ann.start("registration")
    ann.submit(form, method="profile", traits={"email": ANN})
    form = ann.shown("registration")
    answer = key.create(value(form, "webauthn_register_trigger"))
    ann.submit(form, webauthn_register=answer, webauthn_register_displayname="desk", traits={"email": ANN})
    assert proofs(ann) == [("webauthn", "aal1")]
    caller = Caller(keys_only, kind)
    form = caller.start("login")
    caller.submit(form, method="webauthn", identifier=" ANN@example.org")
    form = caller.flow("login", form["id"])
    assert told(form) == {1010012}
    use_key(caller, key, form)
    assert proofs(caller) == [("webauthn", "aal1")]
    assert caller.start("login", refresh="true")["ui"]["nodes"]


@browsers
def test_a_key_that_signs_in_alone_is_a_passkey_if_it_can_be(keys_only: LiveServer, kind: Kind) -> None:
    ann, key = Caller(keys_only, kind), Authenticator()
    ann.sign_up()
    add_key(ann, key)
    caller = Caller(keys_only, kind)
    use_passkey(caller, key)
    assert proofs(caller) == [("passkey", "aal1")]


@everybody
@pytest.mark.parametrize("handle", ["", "AA", b64u(b"a\0b"), b64u(b"\xff\xfe"), b64u(b"nobody"), b64u(b"x" * 3000)])
def test_a_handle_of_nobody(server: LiveServer, kind: Kind, handle: str) -> None:
    ann, key = Caller(server, kind), Authenticator()
    ann.sign_up()
    add_passkey(ann, key)
    caller = Caller(server, kind)
    use_passkey(caller, key, handle=handle)
    assert told(caller.shown("login")) == {4000015}
    assert not caller.is_signed_in


@browsers
def test_all_keys_of_a_person_have_one_owner(keys_only: LiveServer, kind: Kind) -> None:
    ann, first, second = Caller(keys_only, kind), Authenticator(), Authenticator()
    form = ann.start("registration")
    ann.submit(form, method="profile", traits={"email": ANN})
    form = ann.shown("registration")
    answer = first.create(value(form, "webauthn_register_trigger"))
    ann.submit(form, webauthn_register=answer, traits={"email": ANN})
    add_key(ann, second)
    assert first.handle == second.handle
    for key in (first, second):
        caller = Caller(keys_only, kind)
        form = caller.start("login")
        caller.submit(form, method="webauthn", identifier=ANN)
        use_key(caller, key, caller.flow("login", form["id"]))
        assert caller.is_signed_in


def test_a_second_factor_outlives_keys_becoming_passwordless(start: Start) -> None:
    before, key = start(config(), schema=schema()), Authenticator()
    ann = Caller(before, "script")
    ann.sign_up()
    add_key(ann, key)
    after = start(config(passwordless=True), schema=schema())
    caller = Caller(after, "script")
    caller.sign_in()
    assert not caller.is_signed_in
    use_key(caller, key, caller.start("login", aal="aal2"))
    assert proofs(caller) == [("password", "aal1"), ("webauthn", "aal2")]


def test_an_app_has_no_security_keys(server: LiveServer) -> None:
    ann = Caller(server, "app")
    ann.sign_up()
    assert not has(ann.start("settings"), "webauthn_register_trigger")
    ann.submit(ann.start("settings"), webauthn_register="{}", webauthn_register_displayname="x")
    assert told(ann.last.json()) == {4010004}


@browsers
def test_a_second_key_with_the_same_id_is_refused(server: LiveServer, kind: Kind) -> None:
    ann, key = Caller(server, kind), Authenticator()
    ann.sign_up()
    add_key(ann, key)
    form = ann.start("settings")
    answer = key.create(value(form, "webauthn_register_trigger"))
    ann.submit(form, webauthn_register=answer, webauthn_register_displayname="again")
    assert 4000001 in told(ann.shown("settings"))
    assert len(nodes(ann.start("settings"), "webauthn_remove")) == 1


def test_the_second_step_follows_a_passkey_as_well(server: LiveServer) -> None:
    ann, key = Caller(server, "script"), Authenticator()
    ann.sign_up()
    add_passkey(ann, key)
    app = set_up_app(ann)
    caller = Caller(server, "script")
    use_passkey(caller, key)
    assert caller.last.status_code == 422
    assert not caller.is_signed_in
    form = caller.start("login", aal="aal2")
    assert not has(form, "passkey_login")
    caller.submit(form, method="totp", totp_code=app.next_code())
    assert proofs(caller) == [("passkey", "aal1"), ("totp", "aal2")]


def test_a_page_comes_back_to_where_it_wanted_to_go(server: LiveServer) -> None:
    ann, key = Caller(server, "page"), Authenticator()
    ann.sign_up()
    add_key(ann, key)
    caller = Caller(server, "page")
    answer = caller.sign_in(return_to="https://app.example.org/deep")
    place = answer.headers["location"]
    assert "aal=aal2" in place
    started = caller.http.get(place, headers=caller.headers())
    use_key(caller, key, caller.flow("login", flow_id(started.headers["location"])))
    assert caller.last.headers["location"] == "https://app.example.org/deep"
