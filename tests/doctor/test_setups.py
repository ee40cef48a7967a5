"""Broken setups from the field: each is diagnosed in one line, with its fix. The comments say who was there before."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.courier.conftest import MailServer
from tests.doctor.conftest import Examine
from tests.support.process import limen
from tests.support.server import merge


class Setup(NamedTuple):
    """What was configured, and what has to be said: the findings' text and advice, as far as they matter."""

    name: str
    over: dict[str, Any]
    told: str
    advice: str
    dev: bool = False
    grade: str = "trouble"


def public(base_url: str, **more: Any) -> dict[str, Any]:
    return {"serve": {"public": {"base_url": base_url, **more}}}


def login_page(url: str) -> dict[str, Any]:
    return {"selfservice": {"flows": {"login": {"ui_url": url}}}}


def both(*parts: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in parts:
        found = merge(found, part)
    return found


ID, APP = "https://id.example.org/", "https://app.example.org/login"
RETURN = {"selfservice": {"default_browser_return_url": "https://app.example.org/"}}
RP = {"id": "id.example.org", "display_name": "Example"}


def keys(**rp: Any) -> dict[str, Any]:
    return {"selfservice": {"methods": {"passkey": {"enabled": True, "config": {"rp": {**RP, **rp}}}}}}


SETUPS = [
    # ory/kratos#3384, #3316
    Setup("localhost_and_127", login_page("http://localhost:3000/login"), "to a browser these are two hosts",
          "Write 127.0.0.1 everywhere", dev=True),
    # ory/kratos#250
    Setup("secure_cookies_over_http", public("http://10.20.30.40:4433/"), "for HTTPS only: browsers drop them", "Serve HTTPS"),
    # ory/kratos#2194, ory/k8s#407
    Setup("cookie_of_another_domain", both(public("https://kratos.example.com/"), {"session": {"cookie": {"domain": "my.com"}}}),
          "`session.cookie.domain` is my.com, but the server is kratos.example.com", "Write example.com"),
    # ory/kratos#1112
    Setup("only_one_cookie_shared", both(public("https://kratos.example.com/"), login_page("https://access.example.com/login"),
          {"session": {"cookie": {"domain": "example.com"}}}),
          "but not the one that protects forms", "Set `cookies.domain: example.com` too."),
    # ory/kratos#516
    Setup("cookie_that_siblings_do_not_see", both(public(ID), login_page(APP)), "does not see the cookies of id.example.org",
          "Set `cookies.domain: example.org`", grade="notice"),
    # openfoodfacts/openfoodfacts-server#7071
    Setup("cookie_domain_with_scheme", {"cookies": {"domain": "http://openfoodfacts.localhost/"}},
          "A cookie's domain has neither scheme nor port", "Write openfoodfacts.localhost", grade="notice"),
    # ory/hydra#1844
    Setup("same_site_none_without_https", {"cookies": {"same_site": "None"}}, "and the cookies are not `Secure`",
          "`None` needs HTTPS", dev=True),
    # ory/kratos#2713, #4006
    Setup("pages_on_another_site", both(public(ID), login_page("https://example.net/login")), "its calls carry no cookies",
          "Put both under one domain"),
    # timalanfarrow/kratos-selfservice-ui-vue3-typescript#8
    Setup("cors_star", both(login_page("http://127.0.0.1:3000/login"), public("http://127.0.0.1:4433/", cors={"enabled": True})),
          "has `*`, for which browsers send no cookies", "write [http://127.0.0.1:3000]", dev=True, grade="notice"),
    # ory/hydra#1421
    Setup("cors_without_the_page", both(login_page(APP), public(ID, cors={"enabled": True, "allowed_origins": ["https://a.org"]})),
          "does not list https://app.example.org", "Add https://app.example.org"),
    # canonical/kratos-operator#175
    Setup("star_in_a_path", {"selfservice": {"allowed_return_urls": ["https://192.168.100.12/*"]}},
          "in a path `*` means itself", "Write https://192.168.100.12/;"),
    # canonical/identity-platform-login-ui#825
    Setup("one_slash_more", {"selfservice": {"default_browser_return_url": "http://localhost/ui",
          "allowed_return_urls": ["http://localhost/ui/"]}}, "an entry has one slash more", "without the slash"),
    # ory/kratos-selfservice-ui-node#50
    Setup("http_in_the_list_https_outside", {"selfservice": {"default_browser_return_url": "https://ui.example.org/",
          "allowed_return_urls": ["http://ui.example.org"]}}, "with http:// only", "Write https://ui.example.org"),
    # ory/docs#658
    Setup("former_name_of_a_key", {"selfservice": {"whitelisted_return_urls": ["https://a.org"]}},
          "There is no key `whitelisted_return_urls`", "allowed_return_urls"),
    # ory/kratos-selfservice-ui-node#167, #60
    Setup("page_is_the_api", both(public("http://127.0.0.1:4433/"), login_page("http://127.0.0.1:4433/self-service/login")),
          "browsers go in circles", "Name the page that shows the form", dev=True),
    # ory/k8s#417
    Setup("base_url_of_a_pod", public("http://kratos-public.test.svc.cluster.local/"), "is known to no browser",
          "Set it to the address browsers use"),
    # MicLeey/sveltekit-ory-starter#5
    Setup("secret_too_short", {"secrets": {"default": ["supersecret"]}}, "secrets.default.0", "16"),
    # ory/kratos#927
    Setup("secret_of_the_quickstart", {"secrets": {"cookie": ["PLEASE-CHANGE-ME-I-AM-VERY-INSECURE"]}},
          "This is a secret from an example", "openssl rand -hex 16", grade="notice"),
    # ory/kratos#2294
    Setup("password_with_special_characters", {"dsn": "postgres://user:p#ss!&+{}<>:w@db.example.org:5432/kratos"},
          "`dsn`: Host and port cannot be told apart", "`#` is %23"),
    # securo-finance/securo#403
    Setup("keys_for_an_address", both(public("https://192.168.4.20/"), keys(id="192.168.4.20")),
          "browsers make keys for a domain only", "Write a domain"),
    # nanogpt-community/nanochat#44
    Setup("keys_for_another_domain", both(public(ID), keys(id="example.com")), "the browser refuses", "Write example.org"),
    # casdoor/casdoor#1090
    Setup("keys_on_a_page_at_an_address", both(public("http://127.0.0.1:4433/"), keys(id="localhost")),
          "but the page with the key's button is at 127.0.0.1", "as http://localhost:4433/", dev=True),
    # pocket-id/pocket-id#39, duo-labs/py_webauthn#90
    Setup("origin_without_its_s", both(public(ID), keys(origins=["http://id.example.org"])),
          "does not list https://id.example.org", "Add https://id.example.org"),
    # ory/kratos#2446
    Setup("recovery_without_an_address", {"selfservice": {"flows": {"recovery": {"enabled": True}}}},
          "no identity schema marks an address for it", '"recovery": {"via": "email"}', dev=True),
]  # fmt: skip
NO_ADDRESS = {
    "type": "object",
    "properties": {
        "traits": {
            "type": "object",
            "properties": {
                "email": {"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": True}}}}
            },
        }
    },
}


@pytest.mark.parametrize("setup", SETUPS, ids=[setup.name for setup in SETUPS])
def test_it_is_diagnosed_with_its_fix(examine: Examine, setup: Setup) -> None:
    schema = NO_ADDRESS if setup.name == "recovery_without_an_address" else None
    dsn = setup.over.get("dsn", "")
    found = examine(setup.over, dev=setup.dev, dsn=dsn, schema=schema)
    (finding,) = [one for one in found if setup.told in one.told]
    assert (finding.grade, "\n" in finding.told) == (setup.grade, False)
    assert setup.advice in finding.advice


def test_smtps_to_a_port_without_tls(examine: Examine, mails: MailServer) -> None:
    """ory/kratos#1569"""
    found = examine(mails.at(f"smtps://127.0.0.1:{mails.port}/"))
    (finding,) = [one for one in found if "The mail server refuses us." in one.told]
    assert "write `smtp://`" in finding.advice


def test_nobody_sends_the_messages(examine: Examine, mails: MailServer) -> None:
    """ory/kratos#781"""
    found = examine(mails.config)
    (finding,) = [one for one in found if one.told == "No courier is running: messages will wait."]
    assert "--watch-courier" in finding.advice


@pytest.mark.slow
def test_a_database_that_is_not_writable(tmp_path: Any, examine: Examine) -> None:
    """ory/kratos#3900"""
    dsn = f"sqlite://{tmp_path}/limen.sqlite"
    examine({}, dsn=dsn)
    limen(tmp_path, "migrate", "sql", "up", "-e", "--yes", "-c", "limen.yml")
    (tmp_path / "limen.sqlite").chmod(0o444)
    done = limen(tmp_path, "doctor", "-c", "limen.yml", mortal=True)
    assert "limen.sqlite is not writable for this user, so no write works." in done.stdout
    assert "`chown` " in done.stdout
