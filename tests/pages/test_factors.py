"""Second factors on our pages: what was used last comes first, what is taken away is asked about, codes can be kept."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from tests.conftest import Start
from tests.pages.visitor import Element, read
from tests.support import keys
from tests.support.authenticator import Authenticator
from tests.support.callers import HTML, Caller, flow_id
from tests.support.factors import App, set_up_app, set_up_codes, step_up
from tests.support.server import LiveServer, merge


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start(keys.config(), schema=keys.schema())


def page(caller: Caller, flow: dict[str, Any], kind: str = "login", **query: str) -> Element:
    """Our page of this flow, in English unless something else is asked for."""
    answer = caller.http.get(f"ui/{kind}", params={"flow": flow["id"], "lang": "en", **query}, headers=HTML)
    assert answer.status_code == 200, answer.text
    return read(answer.text)


def equipped(server: LiveServer) -> tuple[Caller, App, list[str], Authenticator]:
    """Ann with every kind of second factor, signed in with both steps."""
    ann, key = Caller(server, "page"), Authenticator()
    ann.sign_up()
    app = set_up_app(ann)
    codes = set_up_codes(ann)
    keys.add_key(ann, key, "Blue key")
    return ann, app, codes, key


def again(server: LiveServer) -> tuple[Caller, dict[str, Any]]:
    ann = Caller(server, "page")
    ann.sign_in()
    return ann, ann.start("login", aal="aal2")


def offered(shown: Element) -> list[str]:
    """The buttons of the ways there are, in the order of the page."""
    wanted = {"totp": "app", "lookup_secret": "codes"}
    found = [b for b in shown.all("button") if b.attributes.get("name") in ("method", "webauthn_login_trigger")]
    return [wanted.get(b["value"], "key") for b in found]


def test_the_way_used_last_comes_first(server: LiveServer) -> None:
    _, app, codes, key = equipped(server)
    ann, form = again(server)
    assert offered(page(ann, form))[-1] == "codes"  # nothing was used yet: paper is for the day the phone is lost
    step_up(ann, totp=app.next_code())
    server.clock.forward(minutes=1)
    ann, form = again(server)
    assert offered(page(ann, form))[0] == "app"
    keys.use_key(ann, key, form)
    server.clock.forward(minutes=1)
    ann, form = again(server)
    assert offered(page(ann, form)) == ["key", "app", "codes"]
    step_up(ann, lookup_secret=codes[0])
    server.clock.forward(minutes=1)
    ann, form = again(server)
    assert offered(page(ann, form)) == ["codes", "key", "app"]


def test_there_are_names_and_times(server: LiveServer) -> None:
    ann, _, codes, key = equipped(server)
    keys.use_key(ann, key, ann.start("login", aal="aal2", refresh="true"))
    step_up_again = ann.start("login", aal="aal2", refresh="true")
    ann.submit(step_up_again, method="lookup_secret", lookup_secret=codes[0])
    server.clock.forward(hours=2)
    ann.sign_in(refresh="true")
    shown = page(ann, ann.start("settings"), "settings")
    assert [p.text for p in shown.all("p", _class="device")] == ["Blue key"]
    facts = [p.text for p in shown.all("p", _class="facts")]
    assert "11 of 12 codes left Last used 2 hours ago" in facts
    assert "Added 2 hours ago Last used 2 hours ago" in facts


def question(shown: Element, name: str) -> str:
    """What is asked before this button does what it says."""
    [found] = [d for d in shown.all("details", _class="ask") if d.has("button", name=name)]
    return found.text


@pytest.mark.parametrize(
    ("language", "words"), [("en", "your last second step"), ("de", "Ihr letzter zweiter Schritt")]
)
def test_losing_the_last_one_is_warned_of(server: LiveServer, language: str, words: str) -> None:
    ann = Caller(server, "page")
    ann.sign_up()
    set_up_app(ann)
    assert words in question(page(ann, ann.start("settings"), "settings", lang=language), "totp_unlink")
    set_up_codes(ann)
    shown = page(ann, ann.start("settings"), "settings", lang=language)
    assert words not in question(shown, "totp_unlink")
    assert words not in question(shown, "lookup_secret_disable")


def test_where_one_is_required_the_warning_says_so(start: Start) -> None:
    server = start(
        merge(keys.config(), {"limen": {"second_factor": {"required": True, "after": "168h"}}}), schema=keys.schema()
    )
    ann = Caller(server, "page")
    ann.sign_up()
    set_up_app(ann)
    told = question(page(ann, ann.start("settings"), "settings"), "totp_unlink")
    assert "set up another one at once" in told


def test_codes_are_kept_without_a_script(server: LiveServer) -> None:
    ann = Caller(server, "page")
    ann.sign_up()
    ann.submit(ann.start("settings"), method="lookup_secret", lookup_secret_regenerate=True)
    shown = page(ann, {"id": flow_id(ann.last.headers["location"])}, "settings")
    codes = [one.text for one in shown.one("ol", _class="codes").all("code")]
    link = shown.one("a", _download="backup-codes.txt")
    kind, _, text = link["href"].partition(",")
    assert kind == "data:text/plain;charset=utf-8"
    assert unquote(text).split() == codes
    assert len(codes) == 12


def test_the_only_way_in_has_no_button(server: LiveServer) -> None:
    ann, key = Caller(server, "page"), Authenticator()
    flow = ann.start("registration")
    ann.submit(flow, method="profile", traits={"email": keys.ANN})
    form = ann.shown("registration")
    answer = key.create(next(n["attributes"]["value"] for n in form["ui"]["nodes"]
                             if n["attributes"].get("name") == "passkey_create_data"))  # fmt: skip
    ann.submit(form, method="passkey", passkey_register=answer, traits={"email": keys.ANN})
    shown = page(ann, ann.start("settings"), "settings")
    assert not shown.has("button", name="passkey_remove")
    assert "This is the only way into your account" in shown.text
