"""The account as a whole: a copy of one's data, and the end of it."""

from __future__ import annotations

import pytest

from tests.pages.conftest import Begin
from tests.pages.visitor import Visitor
from tests.support import mail
from tests.support.server import LiveServer

DELETABLE = {"limen": {"selfservice": {"account_deletion": {"enabled": True}}}}
ANN = "ann@example.org"


@pytest.fixture
def server(begin: Begin) -> LiveServer:
    return begin(DELETABLE)


def test_a_person_takes_the_data_along(server: LiveServer) -> None:
    ann = Visitor(server)
    ann.sign_up()
    answer = ann.step("ui/account/data")
    assert answer.headers["content-disposition"] == 'attachment; filename="account.json"'
    data = answer.json()
    assert data["identity"]["traits"] == {"email": ANN}
    assert [c["type"] for c in data["credentials"]] == ["code", "password"]
    assert [s["active"] for s in data["sessions"]] == [True]
    assert "$2" not in answer.text  # no hash


def test_nobody_else_gets_it(server: LiveServer) -> None:
    stranger = Visitor(server)
    for path in ("ui/account/data", "ui/account/delete"):
        answer = stranger.step(path)
        assert (answer.status_code, "login/browser" in answer.headers["location"]) == (303, True)


def test_an_account_is_deleted_with_all_sessions(server: LiveServer) -> None:
    ann, phone = Visitor(server), Visitor(server)
    ann.sign_up()
    phone.sign_in()
    ann.open("ui/account/delete")
    ann.send("Delete for good")
    assert ann.heading == "Your account is deleted"
    assert ann.whoami() == phone.whoami() == {}
    phone.sign_in()
    assert "do not match" in phone.page.text
    assert mail.messages(server, ANN)[0]["subject"] == "Your account was deleted"


def test_it_takes_a_fresh_sign_in(server: LiveServer) -> None:
    ann = Visitor(server)
    ann.sign_up()
    ann.open("ui/account/delete")
    server.clock.forward(hours=2)
    ann.send("Delete for good")
    assert ann.heading == "Confirm that it is you"
    assert ann.whoami()
    ann.send(password="correct-horse-battery-1")
    assert ann.heading == "Delete your account"
    ann.send("Delete for good")
    assert ann.whoami() == {}


def test_it_takes_the_form_of_this_browser(server: LiveServer) -> None:
    ann = Visitor(server)
    ann.sign_up()
    answer = ann.http.post("ui/account/delete", data={"csrf_token": "forged"})
    assert answer.status_code == 403
    assert ann.whoami()


def test_where_it_is_not_offered_there_is_no_such_page(begin: Begin) -> None:
    ann = Visitor(begin())
    ann.sign_up()
    assert "Delete your account" not in ann.page.text
    assert ann.step("ui/account/delete").status_code == 404
    assert ann.http.post("ui/account/delete").status_code == 404
    assert ann.whoami()
