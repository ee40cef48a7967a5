"""Signing in with a provider on the operator's port: a front end starts, the browser comes back, two codes are a session."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.social.conftest import With, query_of
from tests.social.test_accounts import member
from tests.support import mail
from tests.support.callers import HTML, JSON, PASSWORD, Caller
from tests.support.console import Console, operator
from tests.support.factors import set_up_app
from tests.support.openid import ANN, OpenIdProvider
from tests.support.server import PERSON, LiveServer, merge

FRONT = "https://front.example.org"
BACK = f"{FRONT}/signed-in"
CONFIG = {
    "selfservice": {"methods": {"totp": {"enabled": True}}},
    "limen": {"console": {"allowed_origins": [FRONT]}},
}
EMAIL = str(ANN["email"])


@pytest.fixture
def live(with_providers: With, acme: OpenIdProvider) -> LiveServer:
    return with_providers(acme.configured(label="Acme"), over=CONFIG)


def front_end(live: LiveServer) -> Console:
    """A script of a page that stands elsewhere."""
    return Console(live, origin=FRONT)


def begin(page: Console, **more: Any) -> dict[str, Any]:
    return dict(page.post("api/auth/providers/acme/start", {"return_to": BACK, **more}))


def there_and_back(acme: OpenIdProvider, url: str) -> dict[str, str]:
    """Send a browser there; what it brings back to the front end."""
    answer = httpx.get(acme.consent(url), headers=HTML, follow_redirects=False)
    assert answer.status_code in (302, 303), answer.text
    assert answer.headers["location"].startswith(BACK), answer.headers["location"]
    return query_of(answer.headers["location"])


def enter(page: Console, acme: OpenIdProvider, **more: Any) -> Any:
    """All the way; the answer of the last step."""
    begun = begin(page, **more)
    brought = there_and_back(acme, begun["redirect_to"])
    return page.post("api/auth/providers/exchange", {"code": brought["code"], "init_code": begun["init_code"]})


def messages_of(body: Any) -> set[int]:
    return {one["id"] for one in body["error"]["details"]["messages"]}


def test_the_providers_are_listed_with_where_each_begins(with_providers: With, acme: OpenIdProvider) -> None:
    live = with_providers(acme.configured(label="Acme"), acme.configured("staff", organization_id="1" * 8), over=CONFIG)
    start = f"{live.console}api/auth/providers/acme/start"
    listed = Console(live).get("api/auth/providers")
    assert listed == [{"id": "acme", "label": "Acme", "provider": "generic", "start": start}]


def test_a_front_end_elsewhere_signs_somebody_in(live: LiveServer, acme: OpenIdProvider) -> None:
    page = front_end(live)
    body = enter(page, acme)
    assert page.status == 200, body
    assert body["session"]["identity"]["traits"]["email"] == EMAIL
    assert body["next"] is None
    assert page.http.cookies["truss_session"] == body["session_token"]
    assert page.last.headers["access-control-allow-origin"] == FRONT
    assert page.get("api/auth/session")["session"]["id"] == body["session"]["id"]


def test_a_link_needs_no_script_before_the_browser_is_back(live: LiveServer, acme: OpenIdProvider) -> None:
    ann = Console(live)
    answer = ann.http.get(
        "api/auth/providers/acme/start", params={"return_to": BACK}, headers={**HTML, "sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 303
    assert "HttpOnly; SameSite=Strict" in answer.headers["set-cookie"]
    brought = there_and_back(acme, answer.headers["location"])
    body = ann.post("api/auth/providers/exchange", {"code": brought["code"]})
    assert ann.status == 200, body
    assert "truss_provider" not in ann.http.cookies


def test_one_code_is_worth_nothing_without_the_other_and_both_are_good_once(
    live: LiveServer, acme: OpenIdProvider
) -> None:
    page, thief = front_end(live), front_end(live)
    begun, other = begin(page), begin(thief)
    brought = there_and_back(acme, begun["redirect_to"])
    for init in (None, "", "made-up", other["init_code"]):
        thief.post("api/auth/providers/exchange", {"code": brought["code"], "init_code": init})
        assert thief.status == 404
    codes = {"code": brought["code"], "init_code": begun["init_code"]}
    page.post("api/auth/providers/exchange", codes)
    assert page.status == 200
    page.post("api/auth/providers/exchange", codes)
    assert page.status == 404


@pytest.mark.parametrize("to", ["https://evil.example.org/", f"{FRONT}.evil.example.org/", "javascript:alert(1)", ""])
def test_nobody_is_sent_back_to_where_no_front_end_is(live: LiveServer, to: str) -> None:
    page = front_end(live)
    page.post("api/auth/providers/acme/start", {"return_to": to})
    assert page.status == 400


def test_a_front_end_on_the_port_itself_may_be_returned_to(live: LiveServer) -> None:
    page = Console(live)
    page.post("api/auth/providers/acme/start", {"return_to": f"{live.console}somewhere"})
    assert page.status == 200


def test_a_provider_that_is_none_begins_nothing(live: LiveServer) -> None:
    page = front_end(live)
    page.post("api/auth/providers/other/start", {"return_to": BACK})
    assert page.status == 404
    page.get("api/auth/providers/other/start", return_to=BACK)
    assert page.status == 404


def test_a_second_factor_is_asked_for_after_it(live: LiveServer, acme: OpenIdProvider) -> None:
    page = front_end(live)
    token = enter(page, acme)["session_token"]
    caller = Caller(live, "app")
    caller.token = token
    app = set_up_app(caller)
    again = front_end(live)
    body = enter(again, acme)
    assert body["next"]["step"] == "second_factor"
    assert body["session"]["identity"] is None
    sent = {"flow_id": body["next"]["flow_id"], "totp_code": app.next_code()}
    body = again.post("api/auth/login", sent)
    assert body["session"]["authenticator_assurance_level"] == "aal2"


@pytest.mark.parametrize("how", ["ban", "state"])
def test_who_was_banned_or_switched_off_stays_out(live: LiveServer, acme: OpenIdProvider, how: str) -> None:
    owner = operator(live, "owner")
    id_ = enter(front_end(live), acme)["session"]["identity"]["id"]
    late = front_end(live)
    begun = begin(late)
    brought = there_and_back(acme, begun["redirect_to"])  # signed in, but has not fetched the session yet
    if how == "ban":
        owner.post(f"api/auth/identities/{id_}/ban", {"reason": "spam"})
    else:
        owner.ask("PATCH", f"api/auth/identities/{id_}/state", {"state": "inactive"})
    assert owner.status == 200
    late.post("api/auth/providers/exchange", {"code": brought["code"], "init_code": begun["init_code"]})
    assert late.status in (401, 404)
    assert "truss_session" not in late.http.cookies
    again = front_end(live)
    body = enter(again, acme)
    assert again.status == 401, body
    assert "truss_session" not in again.http.cookies
    assert messages_of(body) == {4010011}


def test_95_by_invitation_only_holds_for_people_from_providers(with_providers: With, acme: OpenIdProvider) -> None:
    owner = operator(with_providers(acme.configured(), over=CONFIG), "owner")
    closed = with_providers(acme.configured(), over=merge(CONFIG, {"limen": {"registration": {"invite_only": True}}}))
    stranger = front_end(closed)
    body = enter(stranger, acme)
    assert stranger.status == 403, body
    assert messages_of(body) == {9040003}
    owner.http.base_url = httpx.URL(closed.console)
    owner.post("api/auth/invite", {"email": EMAIL})
    token = query_of(mail.link(closed, EMAIL))["invite_token"]
    acme.user = {"sub": "eve", "email": "eve@example.org"}
    eve = front_end(closed)
    assert messages_of(enter(eve, acme, invite_token=token)) == {9040005}
    assert eve.status == 403
    acme.user = dict(ANN)
    ann = front_end(closed)
    body = enter(ann, acme, invite_token=token)
    assert ann.status == 200, body
    assert [one["status"] for one in owner.get("api/auth/invitations")["invitations"]] == ["accepted"]


def test_what_a_provider_does_not_tell_is_asked_for(with_providers: With, acme: OpenIdProvider) -> None:
    traits = {**PERSON["properties"]["traits"], "required": ["email", "name"]}
    live = with_providers(acme.configured(), over=CONFIG, schema=merge(PERSON, {"properties": {"traits": traits}}))
    acme.user = {"sub": "ann", "email": EMAIL}
    page = front_end(live)
    begun = begin(page)
    brought = there_and_back(acme, begun["redirect_to"])
    codes = {"code": brought["code"], "init_code": begun["init_code"]}
    body = page.post("api/auth/providers/exchange", codes)
    assert page.status == 401
    assert [(one["id"], one["field"]) for one in body["error"]["details"]["messages"]] == [(4000002, "traits.name")]
    assert page.get("api/auth/register", flow_id=brought["flow"])["flow_id"] == brought["flow"]
    more = {"flow_id": brought["flow"], "traits": {"email": EMAIL, "name": "Ann"}}
    on = page.post("api/auth/providers/acme/start", more)
    brought = there_and_back(acme, on["redirect_to"])
    body = page.post("api/auth/providers/exchange", {"code": brought["code"], "init_code": begun["init_code"]})
    assert body["session"]["identity"]["traits"]["name"] == "Ann"


def test_whose_address_has_an_account_signs_in_to_that_one_first(live: LiveServer, acme: OpenIdProvider) -> None:
    id_ = member(live, EMAIL)
    page = front_end(live)
    brought = there_and_back(acme, begin(page)["redirect_to"])
    body = page.post("api/auth/login", {"flow_id": brought["flow"], "email": EMAIL, "password": PASSWORD})
    assert page.status == 200, body
    assert body["session"]["identity"]["id"] == id_
    again = front_end(live)
    assert enter(again, acme)["session"]["identity"]["id"] == id_


def test_somebody_who_changes_their_mind_is_told_so(live: LiveServer, acme: OpenIdProvider) -> None:
    acme.error = "access_denied"
    page = front_end(live)
    body = enter(page, acme)
    assert page.status == 401
    assert messages_of(body) == {4000001}


def test_only_the_providers_in_use_are_there(with_providers: With, acme: OpenIdProvider, other: OpenIdProvider) -> None:
    entries = (acme.configured(), other.configured("other"))
    both = with_providers(*entries, over=CONFIG)
    begun = begin(front_end(both))
    back = acme.consent(begun["redirect_to"])
    one = with_providers(*entries, over=merge(CONFIG, {"limen": {"social": {"enabled_providers": ["other"]}}}))
    assert [found["id"] for found in Console(one).get("api/auth/providers")] == ["other"]
    page = front_end(one)
    page.post("api/auth/providers/acme/start", {"return_to": BACK})
    assert page.status == 404
    answer = httpx.get(back.replace(both.public, one.public), headers=JSON, follow_redirects=False)
    assert answer.status_code == 404
