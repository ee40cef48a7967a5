"""How often the database may be asked: what is frequent or waited for has a budget."""

from __future__ import annotations

import pytest
from tests.support.callers import KINDS, PASSWORD, Caller, Kind
from tests.support.server import LiveServer

everybody = pytest.mark.parametrize("kind", KINDS)


@everybody
def test_a_session_check_is_one_query(server: LiveServer, kind: Kind) -> None:
    ann = Caller(server, kind)
    ann.sign_up()
    before = server.trips.trips
    assert ann.is_signed_in
    assert server.trips.trips - before == 1


@everybody
def test_a_password_sign_in_is_three_trips(server: LiveServer, kind: Kind) -> None:
    Caller(server, kind).sign_up()
    ann = Caller(server, kind)
    flow = ann.start("login")
    before = server.trips.trips
    ann.submit(flow, method="password", identifier="ann@example.org", password=PASSWORD)
    assert server.trips.trips - before == 3  # the flow, the person, the commit
    assert ann.is_signed_in
