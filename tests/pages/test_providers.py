"""Signing in with providers on our own pages: names and marks, the last one first, and what is said when it goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from limen.http.pages.providers import COOKIE, mark_of, marks
from limen.social.catalogue import kinds
from tests.pages.conftest import Begin
from tests.pages.visitor import Element, Visitor
from tests.support.openid import ANN, OpenIdProvider
from tests.support.server import LiveServer, merge

SESSION = {"hooks": [{"hook": "session"}]}


@pytest.fixture
def acme() -> Iterator[OpenIdProvider]:
    provider = OpenIdProvider()
    yield provider
    provider.close()


def providers(*entries: dict[str, Any], over: dict[str, Any] | None = None) -> dict[str, Any]:
    own = {
        "methods": {"oidc": {"enabled": True, "config": {"providers": list(entries)}}},
        "flows": {"registration": {"after": {"oidc": SESSION}}},
    }
    return merge({"selfservice": own}, over or {})


@pytest.fixture
def live(begin: Begin, acme: OpenIdProvider) -> LiveServer:
    github = {**acme.configured("hub"), "provider": "github"}
    del github["issuer_url"]
    return begin(providers(github, acme.configured(label="Acme & Sons"), acme.configured("third")))


def buttons(page: Element) -> list[Element]:
    return page.all("button", name="provider")


# --- names and marks ----------------------------------------------------------------------------------------------------


def test_a_provider_has_its_name_and_its_mark(live: LiveServer) -> None:
    page = Visitor(live).open("ui/login")
    assert [b.text for b in buttons(page)] == [
        "Sign in with Acme & Sons", "Sign in with GitHub", "Sign in with third",
    ]  # fmt: skip
    drawn = [b.one("svg", _class="mark") for b in buttons(page)]
    assert [mark.has("circle") for mark in drawn] == [True, False, True], "one of its own, and twice the neutral one"
    assert all(mark["aria-hidden"] == "true" for mark in drawn)
    german = Visitor(live, **{"accept-language": "de"}).open("ui/registration")
    assert buttons(german)[1].text == "Mit GitHub registrieren"


def test_two_of_one_brand_are_told_apart(begin: Begin, acme: OpenIdProvider) -> None:
    both = [{**acme.configured(id_), "provider": "gitlab"} for id_ in ("ours", "theirs")]
    page = Visitor(begin(providers(*both))).open("ui/login")
    assert [b.text for b in buttons(page)] == ["Sign in with ours", "Sign in with theirs"]


def test_every_known_provider_has_a_drawing_without_anything_that_runs_or_loads() -> None:
    assert {id_ for id_ in kinds() if mark_of(id_) == "neutral"} == {"generic", "fedcm-test"}
    assert mark_of("something-new") == "neutral"
    for name, svg in marks().items():
        assert svg.startswith('<svg class="mark" aria-hidden="true"'), name
        for evil in ("<script", "href", "url(", "style", "http", "onload", "<image", "<text", "id="):
            assert evil not in svg, (name, evil)
        assert len(svg) < 1200, name


# --- the last one -------------------------------------------------------------------------------------------------------


def test_the_provider_used_last_comes_first_and_says_so(live: LiveServer) -> None:
    ann = Visitor(live)
    page = ann.open("ui/login")
    assert "Last used" not in page.text
    ann.send("third")
    assert ann.whoami()
    assert ann.http.cookies[COOKIE] == "third"
    ann.http.cookies.delete("ory_kratos_session")
    for place in ("ui/login", "ui/registration"):
        first, *others = buttons(ann.open(place))
        assert (first["value"], first.one("span", _class="tag").text) == ("third", "Last used")
        assert not any(other.has("span", _class="tag") for other in others)


def test_the_cookie_says_nothing_about_a_person_and_stays_with_the_pages(
    live: LiveServer, acme: OpenIdProvider
) -> None:
    ann = Visitor(live)
    ann.open("ui/login")
    ann.send("Acme & Sons")
    (header,) = [
        value
        for answer in [*ann.answer.history, ann.answer]
        for value in answer.headers.get_list("set-cookie")
        if value.startswith(COOKIE)
    ]
    assert header == f"{COOKIE}=acme; Path=/ui; Max-Age=15552000; HttpOnly; SameSite=Lax"


@pytest.mark.parametrize("value", ["nobody", "<b>", "acme%00", "", "hub; x"])
def test_a_cookie_somebody_made_up_changes_nothing(value: str, live: LiveServer) -> None:
    eve = Visitor(live, cookie=f"{COOKIE}={value}")
    page = eve.open("ui/login")
    assert "Last used" not in page.text or value.startswith("hub")
    assert len(buttons(page)) == 3


def test_with_pages_of_the_operators_own_nothing_is_remembered(begin: Begin, acme: OpenIdProvider) -> None:
    own = {"selfservice": {"flows": {"login": {"ui_url": "https://app.example.org/login"}}}}
    live = begin(providers(acme.configured(), over=own))
    ann = Visitor(live)
    ann.open("ui/registration")
    ann.send("Sign up with")
    assert ann.whoami()
    assert COOKIE not in ann.http.cookies


# --- what goes wrong ----------------------------------------------------------------------------------------------------

ERRORS = {
    "refused": ("Versuchen Sie es noch einmal und stimmen Sie zu, oder melden Sie sich anders an.", "did not agree"),
    "down": ("Acme & Sons antwortet nicht so, wie es sein sollte.", "Acme & Sons does not answer as it should."),
    "nonsense": ("ist nicht vertrauenswürdig", "cannot be trusted"),
    "unmapped": ("ließ sich hier nicht verwenden", "could not be used here"),
    "elsewhere": ("in einem anderen Browser begonnen", "started in another browser"),
    "cookieless": ("keine Cookies gesendet", "sent no cookies"),
    "unreachable": ("ist hier nicht richtig eingerichtet", "is not set up as it should be"),
}


def go_wrong(how: str, visitor: Visitor, acme: OpenIdProvider) -> Element:
    """Leave for the provider and come back as this goes wrong; the page that is shown."""
    match how:
        case "refused":
            acme.error = "access_denied"
        case "down":
            acme.token_status = 503
        case "nonsense":
            acme.claims = {"iss": "https://evil.example.org"}
        case "unreachable":
            acme.close()
    visitor.open("ui/login")
    if how in ("elsewhere", "cookieless"):
        (button,) = [b for b in buttons(visitor.page) if "Acme" in b.text]
        form = next(f for f in visitor.page.all("form") if button in f.all("button"))
        there = visitor.http.post(form["action"], data={"provider": "acme"}, follow_redirects=False)
        back = acme.consent(there.headers["location"])
        visitor.http.cookies.clear()
        if how == "elsewhere":
            visitor.open("ui/login")
        return visitor.open(back)
    return visitor.send("Acme & Sons")


@pytest.mark.parametrize("how", ERRORS)
@pytest.mark.parametrize("language", ["de", "en"])
def test_a_person_reads_what_went_wrong_and_what_to_do(
    how: str, language: str, begin: Begin, acme: OpenIdProvider
) -> None:
    entry = acme.configured(label="Acme & Sons")
    if how == "unmapped":
        entry["mapper_url"] = "base64://ZXJyb3IgJ25vJw=="
        acme.user = dict(ANN)
    visitor = Visitor(begin(providers(entry)), **{"accept-language": language})
    page = go_wrong("" if how == "unmapped" else how, visitor, acme)
    assert ERRORS[how][language == "en"] in page.text
    assert page.one("html")["lang"] == language
    assert page.has("button", name="provider") or page.all("a", _class="button main"), "a way on"
    assert not visitor.whoami()
