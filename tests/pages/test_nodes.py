"""Every kind of node has its place on a page, and nothing in one can become markup."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from msgspec.structs import replace

from limen.core import messages as m
from limen.core import ui
from limen.core.messages import Message
from tests.pages.conftest import Begin, Put
from tests.pages.gallery import (
    BACKUP,
    GALLERY,
    IDENTIFIER,
    PASSKEY,
    PASSWORD,
    SEND_CODE,
    SIGN_IN,
    TOTP,
    script,
    settings,
    store,
    trait,
)
from tests.pages.visitor import Element, Visitor, fields
from tests.support.callers import Caller
from tests.support.server import PERSON

EVIL = "\"'><script>alert(1)</script>{{ 7 * 7 }}"


def buttons(element: Element) -> list[str]:
    return [b.text for b in element.all("button") if b.attributes.get("type") == "submit"]


def forms(visitor: Visitor, path: str) -> list[Element]:
    return visitor.open(path).one("main").all("form")


GOOGLE = ui.submit("provider", "google", "oidc", m.SIGN_IN_WITH(provider="google", provider_id="google"))


# --- how forms are cut ----------------------------------------------------------------------------------------------


def test_what_is_typed_once_serves_every_way(visitor: Visitor, put: Put) -> None:
    path = put("login", GOOGLE, ui.CSRF_NODE, IDENTIFIER, *PASSKEY, SEND_CODE, PASSWORD, SIGN_IN, situation="first")
    elsewhere, here = forms(visitor, path)
    assert buttons(elsewhere) == ["Sign in with Google"]
    assert set(fields(elsewhere)) == {"csrf_token"}
    assert buttons(here) == ["Sign in with your password", "Send me a sign-in code"]  # Enter presses the first one
    assert set(fields(here)) == {"csrf_token", "identifier", "password", "passkey_challenge", "passkey_login"}
    assert [b["class"] for b in here.all("button", type="submit")] == ["main", "plain"]
    assert "novalidate" in here.attributes  # a way that needs no password can be taken without one


def test_second_factors_have_forms_of_their_own(visitor: Visitor, put: Put) -> None:
    hidden = ui.hidden("identifier", "", "default")
    path = put("login", ui.CSRF_NODE, hidden, *TOTP, *BACKUP, situation="second", requested_aal="aal2")
    first, second, leave = forms(visitor, path)
    assert set(fields(first)) == {"csrf_token", "identifier", "totp_code"}
    assert set(fields(second)) == {"csrf_token", "identifier", "lookup_secret"}
    folded = visitor.page.one("details")
    assert (folded.one("summary").text, folded.one("form")) == ("Backup codes", second)
    assert (leave["action"], buttons(leave)) == (visitor.server.public + "ui/logout", ["Use another account"])


def test_the_way_an_error_is_about_stays_open(visitor: Visitor, put: Put) -> None:
    told = (m.WRONG_BACKUP_CODE(),)
    visitor.open(put("login", ui.CSRF_NODE, *TOTP, *BACKUP, told=told, situation="second"))
    assert visitor.page.one("details").one("summary").text == "Authenticator app"
    assert "autofocus" in visitor.page.one("input", id="lookup_secret").attributes


def test_a_sign_up_waiting_for_traits_has_one_form(visitor: Visitor, put: Put) -> None:
    go_on = ui.submit("provider", "google", "oidc", m.REGISTRATION_CONTINUE())
    (form,) = forms(
        visitor, put("registration", ui.CSRF_NODE, trait("age", "number", "Age"), go_on, situation="profile")
    )
    assert (buttons(form), form.one("button", type="submit")["class"]) == (["Continue"], "main marked")


def test_nodes_of_an_unknown_group_are_shown(visitor: Visitor, put: Put) -> None:
    odd = (
        ui.text("shoe_size", "shoes"), ui.submit("method", "shoes", "shoes"), ui.field("x", "colour", "hats"),  # type: ignore[arg-type]
        ui.note("remark", Message(99, "Mind the gap.", "info"), "default"),
        ui.Node("div", "captcha", ui.Division(id_="captcha", class_="turnstile", data={"sitekey": EVIL}), (), ui.Meta()),
    )  # fmt: skip
    page = visitor.open(put("login", ui.CSRF_NODE, *odd, situation="first"))
    assert page.one("label", _for="shoe_size").text == "Shoe size"
    assert "Continue" in buttons(page.one("main"))
    assert page.one("input", id="x")["type"] == "text"
    assert page.one("p", id="remark").text == "Mind the gap."
    assert page.one("div", id="captcha")["data-sitekey"] == EVIL


def test_a_section_of_unknown_settings_is_shown_under_its_name(visitor: Visitor, put: Put) -> None:
    visitor.sign_up("unknown-section@example.org")
    who = visitor.whoami()
    nodes = (
        ui.CSRF_NODE,
        ui.text("shoe_size", "shoes"),
        ui.submit("method", "shoes", "shoes", m.SAVE()),
        trait("lost"),
    )
    page = visitor.open(put("settings", *nodes, identity_id=who["identity"]["id"], session_id=who["id"]))
    assert [h.text for h in page.all("h2")] == ["shoes", "General"]


# --- kinds of nodes -------------------------------------------------------------------------------------------------


def one_field(visitor: Visitor, put: Put, node: ui.Node) -> Element:
    path = put("registration", ui.CSRF_NODE, node, ui.submit("method", "profile", "profile"), situation="profile")
    return visitor.open(path).one("main")


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (trait("email", "email"), {"type": "email", "autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"}),
        (trait("phone", "tel"), {"type": "tel", "autocomplete": "tel"}),
        (trait("name.first"), {"type": "text", "autocomplete": "given-name"}),
        (trait("name.last_name"), {"autocomplete": "family-name"}),
        (trait("age", "number", value=7), {"type": "number", "inputmode": "decimal", "step": "any", "value": "7"}),
        (trait("site", "url"), {"type": "url", "autocomplete": "url", "autocapitalize": "none"}),
        (trait("born", "date", value="2001-02-03"), {"type": "date", "value": "2001-02-03"}),
        (trait("seen", "datetime-local"), {"type": "text", "data-moment": "", "aria-describedby": "traits-seen-hint"}),
        (trait("zip", pattern="^[0-9]+$", maxlength=5, required=True), {"pattern": "^[0-9]+$", "maxlength": "5", "required": ""}),
        (trait("note", value=EVIL), {"value": EVIL}),
        (trait("list", value=[1, {"a": "b"}]), {"value": '[1,{"a":"b"}]'}),
        (trait("x\"><b>"), {"name": "traits.x\"><b>", "id": "traits-x---b-"}),
        (ui.text("identifier", "default", IDENTIFIER.meta.label), {"autocomplete": "username", "inputmode": "email"}),
        (ui.text("identifier", "default", m.IDENTIFIER_LABEL()), {"inputmode": "text", "autocapitalize": "none"}),
        (ui.text("code", "default"), {"inputmode": "numeric", "autocomplete": "one-time-code"}),
    ],
    ids=lambda value: value.id if isinstance(value, ui.Node) else "",
)  # fmt: skip
def test_a_field_helps_with_typing(visitor: Visitor, put: Put, node: ui.Node, expected: dict[str, str]) -> None:
    field = one_field(visitor, put, node).one("input", name=node.id)
    assert {name: field.attributes.get(name) for name in expected} == expected


def test_only_what_may_be_left_empty_is_marked(visitor: Visitor, put: Put) -> None:
    assert one_field(visitor, put, trait("nick", title="Nickname")).one("label").text == "Nickname (optional)"
    assert one_field(visitor, put, trait("nick", title="Nickname", required=True)).one("label").text == "Nickname"


def test_a_checkbox_can_say_no(visitor: Visitor, put: Put) -> None:
    main = one_field(visitor, put, trait("news", "checkbox", "News"))
    assert [f["value"] for f in main.all("input", name="traits.news")] == ["false", "true"]
    assert "checked" not in main.one("input", id="traits-news").attributes
    assert (
        "checked"
        in one_field(visitor, put, trait("news", "checkbox", value=True)).one("input", id="traits-news").attributes
    )


def test_options_are_a_list_to_choose_from(visitor: Visitor, put: Put) -> None:
    node = trait("colour", title="Colour", options=(ui.Option("red"), ui.Option(7), ui.Option(EVIL)), value=7)
    options = one_field(visitor, put, node).one("select", id="traits-colour").all("option")
    assert [(o["value"], o.text, "selected" in o.attributes) for o in options] == [
        ("", "Choose", False), ("red", "red", False), ("7", "7", True), (EVIL, " ".join(EVIL.split()), False),
    ]  # fmt: skip


def test_a_field_that_is_switched_off_keeps_its_value(visitor: Visitor, put: Put) -> None:
    main = one_field(visitor, put, trait("org", value="Acme", disabled=True))
    assert "disabled" in main.one("input", id="traits-org").attributes
    assert fields(main.one("form"))["traits.org"] == "Acme"


def test_secrets_can_be_copied(visitor: Visitor, put: Put) -> None:
    visitor.sign_up("secrets@example.org")
    who = visitor.whoami()
    page = visitor.open(put("settings", *settings(), identity_id=who["identity"]["id"], session_id=who["id"]))
    assert page.one("img", id="totp_qr")["alt"] == "QR code for your authenticator app"
    assert page.one("code", id="totp_secret_key").text == "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    codes = page.one("ol", id="lookup_secret_codes")
    listed = [li.text for li in codes.all("li")]
    assert listed == [*(f"k{n}x9abcd" for n in range(11)), "used on 1 March 2026"]
    assert codes["data-text"].split("\n") == listed[:-1]  # used ones are not worth keeping
    copied = [b["data-copy"] for b in page.all("button") if "data-copy" in b.attributes]
    assert copied == ["totp_secret_key", "lookup_secret_codes"]


def test_what_takes_something_away_looks_like_it(visitor: Visitor, put: Put) -> None:
    visitor.sign_up("danger@example.org")
    who = visitor.whoami()
    page = visitor.open(put("settings", *settings(), identity_id=who["identity"]["id"], session_id=who["id"]))
    assert [b["name"] for b in page.all("button") if "danger" in b.attributes.get("class", "")] == [
        "unlink", "lookup_secret_disable", "webauthn_remove",
    ]  # fmt: skip
    asked = [b for details in page.all("details", _class="ask") for b in details.all("button")]
    assert [b["name"] for b in asked] == ["unlink", "lookup_secret_disable", "webauthn_remove"]
    assert "This is the only way into your account" in page.text  # instead of a button that is switched off


@pytest.mark.parametrize("name", GALLERY)
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_form_is_drawn_in_every_language(visitor: Visitor, name: str, language: str) -> None:
    visitor.open("ui/", lang=language)
    page = visitor.open(store(visitor.server, visitor.secret, GALLERY[name]))
    assert visitor.answer.status_code == 200
    ids = [element["id"] for element in page.all() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    for element in page.all():  # whatever is named is there
        for attribute in ("for", "aria-describedby", "aria-labelledby"):
            assert set(element.attributes.get(attribute, "").split()) <= set(ids)
    assert len([f for f in page.all() if "autofocus" in f.attributes]) <= 1


def test_a_button_that_needs_a_script_says_so_without_one(visitor: Visitor, put: Put) -> None:
    own = visitor.server.public + ".well-known/ory/webauthn.js"
    page = visitor.open(
        put("login", ui.CSRF_NODE, IDENTIFIER, *PASSKEY, script(own, "sha512-x"), PASSWORD, SIGN_IN, situation="first")
    )
    button = page.one("button", name="passkey_login_trigger")
    assert (button["type"], button["data-trigger"]) == ("button", "oryPasskeyLogin")
    assert "hidden" in button.attributes  # a script shows it
    assert page.one("p", _class="note unscripted").text.startswith("Security keys and passkeys need JavaScript.")
    assert page.one("input", name="passkey_login")["data-onload"] == "oryPasskeyLoginAutocompleteInit"
    assert page.one("script", src=own)["integrity"] == "sha512-x"


@pytest.mark.parametrize("url", ["https://evil.example/x.js", "javascript:alert(1)", "/x.js"])
def test_no_other_script_is_loaded(visitor: Visitor, put: Put, url: str) -> None:
    page = visitor.open(put("login", ui.CSRF_NODE, IDENTIFIER, script(url), PASSWORD, SIGN_IN, situation="first"))
    assert [s["src"].rpartition("/")[2].partition("?")[0] for s in page.all("script")] == ["limen.js"]


def test_an_older_button_names_its_function_in_a_call(visitor: Visitor, put: Put) -> None:
    old = ui.field("t", "button", "passkey", value="{}", onclick='window.oryWebAuthnLogin({"a":1})')
    page = visitor.open(put("login", ui.CSRF_NODE, IDENTIFIER, old, situation="first"))
    assert page.one("button", name="t")["data-trigger"] == "oryWebAuthnLogin"


def test_a_finished_verification_leads_on(visitor: Visitor, put: Put) -> None:
    nodes = (ui.CSRF_NODE, ui.anchor("continue", "https://app.example.org/x?a=1&b=2", "code", m.CONTINUE()))
    page = visitor.open(put("verification", *nodes, told=(m.EMAIL_VERIFIED(),), state="passed_challenge"))
    assert visitor.heading == "Address verified"
    assert page.one("p", role="status").text == "Your e-mail address is verified."
    assert page.one("a", id="continue")["href"] == "https://app.example.org/x?a=1&b=2"
    assert not page.has("form")


@pytest.mark.parametrize("href", ["javascript:alert(1)", " java\tscript:alert(1)", "data:text/html,x"])
def test_a_link_leads_only_to_an_address(visitor: Visitor, put: Put, href: str) -> None:
    page = visitor.open(put("verification", ui.CSRF_NODE, ui.anchor("continue", href, "code", m.CONTINUE())))
    assert [a["href"] for a in page.one("main").all("a", id="continue")] == [visitor.server.public + "ui/"]


# --- markup ---------------------------------------------------------------------------------------------------------


def test_nothing_in_a_flow_becomes_markup(visitor: Visitor, put: Put) -> None:
    evil = Message(4000001, EVIL, "error", {"reason": EVIL})
    node = replace(trait("note", title=EVIL, value=EVIL), messages=(evil, replace(evil, type="info")))
    button = ui.submit(EVIL, EVIL, EVIL, Message(1, EVIL, "info"))
    path = put("registration", ui.CSRF_NODE, node, button, told=(evil, replace(evil, type="info")), situation="profile")
    page = visitor.open(path)
    assert [s["src"].rpartition("/")[2].partition("?")[0] for s in page.all("script")] == ["limen.js"]
    assert page.text.count("alert(1)") >= 5
    assert "49" not in page.one("main").text


@pytest.mark.parametrize("kind", ["login", "registration", "recovery", "verification"])
def test_a_way_back_never_becomes_markup(visitor: Visitor, put: Put, kind: str) -> None:
    request = f"{visitor.server.public}self-service/{kind}/browser?return_to=https://app.example.org/%22%3E%3Cscript%3Ealert(1)"
    visitor.open(put(kind, ui.CSRF_NODE, IDENTIFIER, PASSWORD, SIGN_IN, request_url=request, situation="first"))
    assert "<script>alert" not in visitor.answer.text
    visitor.open(f'ui/{kind}?return_to="><script>alert(1)</script>')
    is_json = visitor.answer.headers["content-type"] == "application/json"  # a verification's error, as in Kratos
    assert is_json or "<script>alert" not in visitor.answer.text


def test_traits_never_become_markup(visitor: Visitor) -> None:
    visitor.open("ui/registration")
    visitor.send(**{"traits.email": "markup@example.org", "traits.name": EVIL})
    page = visitor.send(password="correct-horse-battery-1")
    assert page.one("div", _class="who").one("p").text.startswith(" ".join(EVIL.split()))
    assert "<script>alert" not in visitor.answer.text
    visitor.open("ui/settings")
    assert "<script>alert" not in visitor.answer.text


def test_a_form_that_changes_one_trait_keeps_the_items_of_a_list(begin: Begin) -> None:
    schema = copy.deepcopy(PERSON)
    traits: Any = schema["properties"]
    traits["traits"]["properties"]["tags"] = {"type": "array", "items": {"type": "string"}, "title": "Tags"}
    live = begin(schema=schema)
    Caller(live, "app").sign_up(tags=["red", "round"])
    visitor = Visitor(live)
    visitor.sign_in()
    page = visitor.open("ui/settings")
    assert [field["value"] for field in page.all("input", name="traits.tags")] == ["red", "round"]
    form = next(f for f in page.all("form") if f.has("input", name="traits.name"))
    visitor.send(form=form, **{"traits.name": "Ann"})
    assert visitor.whoami()["identity"]["traits"] == {
        "email": "ann@example.org",
        "name": "Ann",
        "tags": ["red", "round"],
    }
