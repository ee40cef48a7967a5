"""People are told what happened to their account, where the operator wants that."""

from __future__ import annotations

import pytest
from tests.conftest import Start
from tests.support import mail
from tests.support.callers import HTML, PASSWORD, Caller, flow_id
from tests.support.openid import OpenIdProvider
from tests.support.server import LiveServer

ANN, NEW = "ann@example.org", "ann@example.com"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start({"limen": {"notices": {"password_changed": True, "address_changed": True, "new_device": True}}})


def subjects(server: LiveServer, to: str = ANN) -> list[str]:
    return [m["subject"] for m in mail.messages(server, to)]


def test_a_changed_password_is_told(server: LiveServer) -> None:
    ann = Caller(server, "app")
    ann.sign_up()
    ann.submit(ann.start("settings"), method="password", password="another-fine-secret-2")
    assert ann.last.status_code == 200
    assert subjects(server) == ["Your password was changed"]


def test_an_address_that_was_taken_away_is_told(server: LiveServer) -> None:
    ann = Caller(server, "app")
    ann.sign_up()
    ann.submit(ann.start("settings"), method="profile", traits={"email": NEW})
    assert ann.last.status_code == 200
    assert subjects(server) == ["This address was taken out of your account"]
    assert subjects(server, NEW) == []


def test_a_new_device_is_told_and_a_known_one_is_not(server: LiveServer) -> None:
    Caller(server, "script").sign_up()
    Caller(server, "script").sign_in()
    assert subjects(server) == []
    firefox = Caller(server, "script")
    firefox.http.headers["user-agent"] = FIREFOX
    firefox.sign_in()
    assert subjects(server) == ["A new sign-in to your account"]
    body = mail.messages(server, ANN)[0]["body"]
    assert "Firefox, Linux" in body
    assert f"{server.public}self-service/settings/browser" in body, "where the password is changed"
    again = Caller(server, "script")
    again.http.headers["user-agent"] = FIREFOX.replace("140.0", "141.0")
    again.sign_in()
    assert len(subjects(server)) == 1


def test_a_provider_that_was_linked_or_unlinked_is_told(start: Start) -> None:
    acme = OpenIdProvider()
    methods = {"oidc": {"enabled": True, "config": {"providers": [acme.configured(label="Acme")]}}}
    server = start({"limen": {"notices": {"provider_changed": True}}, "selfservice": {"methods": methods}})
    ann = Caller(server, "page")
    ann.sign_up()
    assert subjects(server) == []
    left = ann.submit(ann.start("settings"), link="acme")
    ann.http.get(acme.consent(left.headers["location"]), headers=HTML)
    assert subjects(server) == ["Acme was linked to your account"]
    assert "Acme was linked to your account: whoever signs in there" in mail.messages(server, ANN)[0]["body"]
    ann.submit(ann.start("settings"), unlink="acme")
    assert subjects(server) == ["Acme was removed from your account", "Acme was linked to your account"]
    acme.close()


def test_a_provider_that_a_sign_in_linked_is_told(start: Start) -> None:
    acme = OpenIdProvider()
    methods = {"oidc": {"enabled": True, "config": {"providers": [acme.configured(label="Acme")]}}}
    server = start({"limen": {"notices": {"provider_changed": True}}, "selfservice": {"methods": methods}})
    Caller(server, "app").sign_up()
    ann = Caller(server, "page")
    left = ann.submit(ann.start("login"), provider="acme")
    back = ann.http.get(acme.consent(left.headers["location"]), headers=HTML)
    form = ann.flow("login", flow_id(back.headers["location"]))
    ann.submit(form, method="password", password=PASSWORD)
    assert ann.is_signed_in
    assert subjects(server) == ["Acme was linked to your account"]
    acme.close()


def test_nothing_is_told_unless_wanted(start: Start) -> None:
    server = start()
    ann = Caller(server, "app")
    ann.sign_up()
    ann.submit(ann.start("settings"), method="password", password="another-fine-secret-2")
    again = Caller(server, "script")
    again.http.headers["user-agent"] = FIREFOX
    again.sign_in(password="another-fine-secret-2")
    assert again.is_signed_in
    assert subjects(server) == []
