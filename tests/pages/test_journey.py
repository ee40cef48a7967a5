"""A person without JavaScript gets through everything the base configuration offers."""

from __future__ import annotations

from tests.pages.visitor import Visitor, fields
from tests.support.server import LiveServer


def test_sign_up_in_two_steps_ends_on_the_account(visitor: Visitor) -> None:
    page = visitor.open("ui/registration")
    assert (visitor.heading, page.one("p", _class="step").text) == ("Create an account", "Step 1 of 2")
    page = visitor.send(**{"traits.email": "ann@example.org", "traits.name": "Ann"})
    assert (visitor.heading, page.one("p", _class="step").text) == ("Choose how to sign in", "Step 2 of 2")
    assert page.one("p", _class="account").text == "ann@example.org"
    page = visitor.send(password="correct-horse-battery-1")
    assert visitor.heading == "Your account"
    assert page.one("div", _class="who").text == "A Ann ann@example.org"
    assert visitor.whoami()["identity"]["traits"] == {"email": "ann@example.org", "name": "Ann"}


def test_the_second_step_leads_back_to_the_first_with_what_was_typed(visitor: Visitor) -> None:
    visitor.open("ui/registration")
    visitor.send(**{"traits.email": "back@example.org", "traits.name": "Bea"})
    page = visitor.send("Back")
    assert visitor.heading == "Create an account"
    assert page.one("input", id="traits-email")["value"] == "back@example.org"
    assert page.one("input", id="traits-name")["value"] == "Bea"


def test_a_password_that_is_refused_keeps_the_step(visitor: Visitor) -> None:
    visitor.open("ui/registration")
    visitor.send(**{"traits.email": "short@example.org"})
    page = visitor.send(password="short")
    field = page.one("input", id="password")
    assert (field["aria-invalid"], field["aria-describedby"]) == ("true", "password-error password-hint")
    assert "autofocus" in field.attributes
    assert page.one("p", id="password-error").text == "Error: Use at least 8 characters: this password has 5."
    assert page.one("p", id="password-hint").text == "At least 8 characters"
    assert page.one("title").text == "Error: Choose how to sign in · Limen"


def test_a_wrong_password_is_told_and_the_address_kept(visitor: Visitor) -> None:
    page = visitor.sign_in("nobody@example.org", "wrong")
    assert page.one("p", role="alert").text == "These sign-in details do not match. Check them and try again."
    assert page.one("input", id="identifier")["value"] == "nobody@example.org"
    password = page.one("input", id="password")
    assert "autofocus" in password.attributes
    assert password["aria-describedby"] == page.one("p", role="alert")["id"]
    assert password["value"] == ""


def test_several_mistakes_are_summed_up(visitor: Visitor) -> None:
    page = visitor.sign_in("", "")
    summary = page.one("div", role="alert")
    links = {link["href"]: link.text for link in summary.all("a")}
    assert links == {"#identifier": "E-mail: Fill in this field.", "#password": "Password: Fill in this field."}
    assert [f["id"] for f in page.all("input") if "autofocus" in f.attributes] == ["identifier"]


def test_signing_out_and_in_again(server: LiveServer) -> None:
    visitor = Visitor(server)
    visitor.sign_up("again@example.org")
    visitor.send("Sign out")
    assert visitor.heading == "You are signed out"
    assert visitor.whoami() == {}
    visitor.open("ui/login")
    visitor.sign_in("again@example.org")
    assert visitor.heading == "Your account"


def test_a_password_is_changed_in_the_settings(server: LiveServer) -> None:
    visitor = Visitor(server)
    visitor.sign_up("change@example.org")
    page = visitor.open("ui/settings")
    assert [h.text for h in page.all("h2")][:2] == ["Profile", "Password"]
    section = next(s for s in page.all("section") if s.one("h2").text == "Password")
    assert set(fields(section.one("form"))) == {"csrf_token", "password"}  # nothing of the other sections
    page = visitor.send(form=section.one("form"), password="another-horse-battery-2")
    assert page.one("p", role="status").text == "Your changes are saved."
    assert Visitor(server).sign_in("change@example.org", "another-horse-battery-2").one("h1").text == "Your account"


def test_the_profile_is_changed_without_touching_the_password(server: LiveServer) -> None:
    visitor = Visitor(server)
    visitor.sign_up("profile@example.org")
    visitor.open("ui/settings")
    visitor.send("Save", **{"traits.name": "Pat"})
    assert visitor.whoami()["identity"]["traits"] == {"email": "profile@example.org", "name": "Pat"}


def test_a_recovery_asks_for_the_code(visitor: Visitor) -> None:
    page = visitor.open("ui/recovery")
    page = visitor.send(email="who@example.org")
    assert visitor.heading == "Enter the code"
    field = page.one("input", id="code")
    assert (field["inputmode"], field["autocomplete"], field["maxlength"]) == ("numeric", "one-time-code", "6")
    assert page.has("button", name="email", value="who@example.org")  # send a new one
    assert "Nothing arrived?" in page.text
    page = visitor.send(code="000000")
    assert page.one("p", role="alert").text.startswith("This code does not match")
