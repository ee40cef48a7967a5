"""Attacks on links in mails: opened twice, by many, by scanners, by others, cut short, forged, too late."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.attacks.people import ANN, CROWD, EVE, MAILED, ask, at_once, browsers, linked, opened, person, token
from tests.conftest import Start
from tests.support import mail
from tests.support.callers import HTML, Caller, Kind
from tests.support.server import LiveServer, merge

KINDS = ("recovery", "verification", "login")
everything = pytest.mark.parametrize("name", KINDS)
UI = {"ui_url": "https://app.example.org/own"}


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start(linked())


def asked(caller: Caller, name: str, who: str = ANN) -> tuple[dict[str, Any], str]:
    """The form that a link was asked for in, and the link."""
    flow = ask(caller, name, "link", **({"identifier": who} if name == "login" else {"email": who}))
    return flow, mail.link(caller.server, who)


def has_worked(server: LiveServer, caller: Caller, name: str) -> bool:
    """Whether the link of this kind did in this browser what it is for."""
    if name != "verification":
        return caller.is_signed_in
    found = httpx.get(f"{server.admin}admin/identities", params={"credentials_identifier": ANN}).json()[0]
    return bool(found["verifiable_addresses"][0]["verified"])


@everything
@browsers
def test_30_a_link_works_in_one_browser(server: LiveServer, kind: Kind, name: str) -> None:
    person(server, kind)
    _, link = asked(Caller(server, kind), name)
    first, second = Caller(server, "page"), Caller(server, "page")
    opened(first, link)
    assert has_worked(server, first, name)
    opened(second, link)
    assert not second.is_signed_in
    assert second.last.status_code == 303  # to a new form, which says why


@everything
@browsers
def test_33_of_many_clicks_on_one_link_one_succeeds(server: LiveServer, kind: Kind, name: str) -> None:
    person(server, kind)
    _, link = asked(Caller(server, kind), name)
    crowd = [Caller(server, "page") for _ in range(CROWD)]
    at_once([lambda c=caller: opened(c, link) for caller in crowd])
    assert {caller.last.status_code for caller in crowd} <= {303, 409}
    assert has_worked(server, crowd[0], name) if name == "verification" else True
    assert sum(caller.is_signed_in for caller in crowd) == (0 if name == "verification" else 1)


@everything
@browsers
def test_30_an_older_link_dies_when_a_new_one_is_sent(server: LiveServer, kind: Kind, name: str) -> None:
    person(server, kind)
    caller = Caller(server, kind)
    flow, older = asked(caller, name)
    field = "identifier" if name == "login" else "email"
    caller.submit(flow, method="link", **{field: ANN})
    newer = mail.link(server, ANN)
    assert newer != older
    late = Caller(server, "page")
    opened(late, older)
    assert not has_worked(server, late, name)
    opened(late, newer)
    assert has_worked(server, late, name)


@browsers
def test_30_one_recovery_is_the_end_of_all_links_to_recover(server: LiveServer, kind: Kind) -> None:
    person(server, kind)
    links = [asked(Caller(server, kind), "recovery")[1] for _ in range(3)]
    first, late = Caller(server, "page"), Caller(server, "page")
    opened(first, links[1])
    assert first.is_signed_in
    for link in links:
        opened(late, link)
        assert not late.is_signed_in


@everything
@browsers
def test_42_a_link_dies_with_the_address_it_went_to(server: LiveServer, kind: Kind, name: str) -> None:
    ann = person(server, kind)
    _, link = asked(Caller(server, kind), name)
    ann.submit(ann.start("settings"), method="profile", traits={"email": "ann@example.com"})
    late = Caller(server, "page")
    opened(late, link)
    assert not late.is_signed_in
    assert not ann.whoami()["identity"]["verifiable_addresses"][0]["verified"]


@everything
@browsers
def test_42_a_link_dies_with_its_person(server: LiveServer, kind: Kind, name: str) -> None:
    ann = person(server, kind)
    _, link = asked(Caller(server, kind), name)
    assert httpx.delete(f"{server.admin}admin/identities/{ann.whoami()['identity']['id']}").status_code == 204
    person(server, kind)
    late = Caller(server, "page")
    opened(late, link)
    assert late.last.status_code == 303
    assert not has_worked(server, late, name)


@everything
@browsers
def test_47_a_link_that_was_changed_does_nothing(server: LiveServer, kind: Kind, name: str) -> None:
    person(server, kind)
    person(server, kind, EVE)
    flow, link = asked(Caller(server, kind), name)
    other, _ = asked(Caller(server, kind), name, EVE)
    right = token(server, ANN)
    late = Caller(server, "page")
    for wrong in (right[:-1], right[1:], right + "a", right.swapcase(), right[:8], "%00", "*", "%25", "[]"):
        opened(late, link.replace(right, wrong))
        assert not has_worked(server, late, name), wrong
    for id_ in (other["id"], "00000000-0000-4000-8000-000000000000", "../login", "%00"):
        opened(late, link.replace(flow["id"], id_))
        assert late.last.status_code < 500
        assert not has_worked(server, late, name), id_
    opened(late, link)
    assert has_worked(server, late, name)


@everything
@browsers
def test_66_a_link_is_refused_when_its_time_is_over(start: Start, kind: Kind, name: str) -> None:
    server = start(merge(linked(), {"selfservice": {"methods": {"link": {"config": {"lifespan": "5m"}}}}}))
    person(server, kind)
    _, link = asked(Caller(server, kind), name)
    server.clock.forward(minutes=6)
    late = Caller(server, "page")
    opened(late, link)
    assert late.last.status_code == 303
    assert not has_worked(server, late, name)


# --- who opens it -------------------------------------------------------------------------------------------------------


@everything
@browsers
def test_51_looking_at_a_link_does_nothing(server: LiveServer, kind: Kind, name: str) -> None:
    person(server, kind)
    _, link = asked(Caller(server, kind), name)
    scanner = Caller(server, "page")
    for method in ("GET", "HEAD", "OPTIONS"):
        for accept in ("*/*", HTML["accept"], "application/json"):
            answer = scanner.http.request(method, link, headers={"accept": accept}, follow_redirects=True)
            assert answer.status_code < 500
    assert not has_worked(server, scanner, name)
    late = Caller(server, "page")
    opened(late, link)
    assert has_worked(server, late, name)


@pytest.mark.parametrize("name", ["recovery", "verification"])
@browsers
def test_51_asking_for_the_headers_does_nothing_on_pages_of_others(start: Start, kind: Kind, name: str) -> None:
    """Where an operator has pages of their own, a link acts when it is opened, as Kratos' do; HEAD never acts."""
    flows = {
        name: {"enabled": True, "use": use, **UI} for name, use in (("recovery", "link"), ("verification", "code"))
    }
    server = start(merge(linked(), {"selfservice": {"flows": flows}}))
    person(server, kind)
    caller = Caller(server, kind)
    ask(caller, name, "link" if name == "recovery" else "code", email=ANN)
    link = mail.link(server, ANN)
    scanner = Caller(server, "page")
    assert scanner.http.head(link).status_code == 200
    assert not has_worked(server, scanner, name)


@pytest.mark.parametrize("name", ["recovery", "login"])
@browsers
def test_63_no_page_elsewhere_signs_somebody_in_to_a_strangers_account(
    server: LiveServer, kind: Kind, name: str
) -> None:
    """A form on a page of Eve's, which Ann's browser sends: it carries Eve's own link and no token of Ann's browser."""
    person(server, kind, EVE)
    flow, _ = asked(Caller(server, kind), name, EVE)
    data = {"token": token(server, EVE), "method": "link"}
    elsewhere = {**HTML, "origin": "https://evil.example.net", "sec-fetch-site": "cross-site"}
    victim = Caller(server, "page")
    victim.http.post(f"self-service/{name}?flow={flow['id']}", data=data, headers=elsewhere)
    assert not victim.is_signed_in
    victim.get("ui/login")
    victim.http.post(f"self-service/{name}?flow={flow['id']}", data=data, headers=elsewhere)
    assert not victim.is_signed_in


# --- where it leads -----------------------------------------------------------------------------------------------------

HOSTS = [
    {"host": "evil.example.net"}, {"x-forwarded-host": "evil.example.net"}, {"forwarded": "host=evil.example.net;proto=http"},
    {"x-forwarded-proto": "javascript"}, {"x-forwarded-server": "evil.example.net"}, {"x-original-url": "https://evil.example.net"},
    {"x-forwarded-host": "evil.example.net\" onclick=\"x", "x-forwarded-port": "1"}, {"x-forwarded-prefix": "//evil.example.net"},
]  # fmt: skip


@pytest.mark.parametrize("headers", HOSTS, ids=[next(iter(h)) for h in HOSTS])
@pytest.mark.parametrize("method", ["code", "link"])
def test_41_links_lead_to_the_configured_address(start: Start, method: str, headers: dict[str, str]) -> None:
    server = start(linked() if method == "link" else MAILED)
    person(server, "script")
    for name in ("recovery", "verification", "login"):
        caller = Caller(server, "script")
        caller.http.headers.update(headers)
        flow = caller.start(name)
        action = flow["ui"]["action"]
        assert action.startswith(server.public)
        caller.submit(flow, method=method, **({"identifier": ANN} if name == "login" else {"email": ANN}))
        body = str(mail.messages(server, ANN)[0])
        assert "evil" not in body
        assert "javascript" not in body
