"""Sessions in an operator's hands: listed, extended, ended one by one and all at once."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.conftest import Start
from tests.support.callers import Caller
from tests.support.operators import Operator, links
from tests.support.server import LiveServer


def signed_in(server: LiveServer, email: str = "ann@example.org") -> Caller:
    app = Caller(server, "app")
    assert app.sign_in(email).status_code == 200
    return app


def manage(operator: Operator, action: str, **who: Any) -> tuple[int, Any]:
    answer = operator.http.post("admin/sessions", json={"action": action, **who})
    return answer.status_code, answer.json().get("processed")


def test_pages_of_sessions_show_each_once_newest_first(server: LiveServer) -> None:
    operator = Operator(server)
    operator.person()
    made = [signed_in(server).whoami()["id"] for _ in range(5)]
    path, seen = "admin/sessions?page_size=2", []
    while path:
        answer = operator.http.get(path)
        seen += [session["id"] for session in answer.json()]
        path = links(answer).get("next", "")
    assert seen == made[::-1]


def test_what_is_expanded(server: LiveServer) -> None:
    operator = Operator(server)
    operator.person(metadata_admin={"note": 1})
    id_ = signed_in(server).whoami()["id"]
    plain = operator.get("sessions")[0]
    assert (plain["identity"], plain["devices"]) == (None, None)
    shown = operator.get(f"sessions/{id_}", expand=["Identity", "DEVICES"])
    assert shown["identity"]["metadata_admin"] == {"note": 1}
    assert len(shown["devices"]) == 1


@pytest.mark.parametrize("action", ["disable", "delete"])
def test_sessions_end_by_their_ids_and_by_their_people(server: LiveServer, action: str) -> None:
    operator = Operator(server)
    ann, ben = operator.person(), operator.person("ben@example.org")
    first, second, other = signed_in(server), signed_in(server), signed_in(server, "ben@example.org")
    chosen = first.whoami()["id"]
    assert manage(operator, action, sessions=[chosen, str(uuid.uuid4())]) == (200, 1)
    assert [caller.is_signed_in for caller in (first, second, other)] == [False, True, True]
    again = 1 if action == "disable" else 0
    assert len(operator.get("sessions", active="false")) == again
    assert manage(operator, action, sessions=[chosen]) == (200, 0)
    assert manage(operator, action, identities=[ann["id"]]) == (200, 1)
    assert [caller.is_signed_in for caller in (second, other)] == [False, True]
    assert manage(operator, action, identities=["*"]) == (200, 1)
    assert not other.is_signed_in
    assert ben["id"] in {person["id"] for person in operator.get("identities")}


UNCLEAR = (
    "", "[", "[]", "{}", '{"action": "disable"}', '{"action": "odd", "identities": ["*"]}',
    '{"action": "delete", "sessions": ["*"]}', '{"action": "delete", "identities": ["*", "*"]}',
    '{"action": "delete", "sessions": ["x"]}', '{"action": "delete", "sessions": 5}',
    '{"action": "delete", "sessions": ["' + '","'.join(["00000000-0000-4000-8000-000000000000"] * 501) + '"]}',
)  # fmt: skip


@pytest.mark.parametrize("body", UNCLEAR)
def test_who_is_meant_must_be_clear(server: LiveServer, body: str) -> None:
    assert Operator(server).http.post("admin/sessions", content=body).status_code == 400


def test_an_extension_lasts_as_long_as_a_new_session(start: Start) -> None:
    server = start({"session": {"lifespan": "2h", "earliest_possible_extend": "1h"}})
    operator = Operator(server)
    operator.person()
    app = signed_in(server)
    session = app.whoami()
    extend = f"admin/sessions/{session['id']}/extend"
    assert operator.http.patch(extend).json()["expires_at"] == session["expires_at"]  # too early
    server.clock.forward(minutes=61)
    extended = operator.http.patch(extend).json()["expires_at"]
    assert extended > session["expires_at"]
    assert app.whoami()["expires_at"] == extended
    for id_, status in ((str(uuid.uuid4()), 404), ("nonsense", 400)):
        assert operator.http.patch(f"admin/sessions/{id_}/extend").status_code == status


def test_a_disabled_person_has_no_session_anywhere(server: LiveServer) -> None:
    operator = Operator(server)
    ann = operator.person()
    app = signed_in(server)
    change = [{"op": "replace", "path": "/state", "value": "inactive"}]
    assert operator.http.patch(f"admin/identities/{ann['id']}", json=change).status_code == 200
    assert not app.is_signed_in
    assert app.sign_in().status_code == 400
    assert operator.get(f"sessions/{operator.get('sessions')[0]['id']}", expand="identity")["active"] is False
