"""How long a session lives, and what makes it fresh."""

from __future__ import annotations

from tests.conftest import Start
from tests.support.callers import PASSWORD, Caller
from tests.support.factors import set_up_app


def test_a_factor_set_up_makes_a_session_fresh_but_a_sign_in_alone_makes_it_longer(start: Start) -> None:
    server = start({"selfservice": {"methods": {"totp": {"enabled": True}}}})
    ann = Caller(server, "app")
    ann.sign_up()
    before = ann.whoami()
    server.clock.forward(seconds=300)
    set_up_app(ann)
    added = ann.whoami()
    assert added["authenticator_assurance_level"] == "aal2"
    assert added["authenticated_at"] > before["authenticated_at"]
    kept = ("expires_at", "issued_at", "devices")
    assert [added[name] for name in kept] == [before[name] for name in kept]
    ann.submit(ann.start("login", refresh="true"), method="password", identifier="ann@example.org", password=PASSWORD)
    proved = ann.whoami()
    assert proved["id"] == before["id"]
    assert proved["expires_at"] > before["expires_at"]
