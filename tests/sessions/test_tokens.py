"""Sessions as signed tokens: every algorithm, mappers, who the subject is, and templates that cannot be used."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from tests.conftest import Start
from tests.support.callers import Caller
from tests.support.operators import Operator
from tests.support.server import LiveServer

RSA = RSAKey.generate_key(2048)
KEYS: dict[str, Any] = {
    **{f"{kind}{size}": RSA for kind in ("RS", "PS") for size in (256, 384, 512)},
    "ES256": ECKey.generate_key("P-256"),
    "ES384": ECKey.generate_key("P-384"),
    "ES512": ECKey.generate_key("P-521"),
    "EdDSA": OKPKey.generate_key("Ed25519"),
    **{f"HS{size}": OctKey.generate_key(512) for size in (256, 384, 512)},
}


ADDS = """
local session = std.extVar('session');
{claims: {email: session.identity.traits.email, aal: session.authenticator_assurance_level}}
"""


def inline(text: str) -> str:
    return "base64://" + base64.b64encode(text.encode()).decode()


def jwk(algorithm: str, kid: str = "k") -> dict[str, Any]:
    return {**KEYS[algorithm].as_dict(private=True), "alg": algorithm, "kid": kid}


def key_set(*keys: dict[str, Any]) -> str:
    return json.dumps({"keys": keys})


def templates(**found: dict[str, Any]) -> dict[str, Any]:
    return {"session": {"whoami": {"tokenizer": {"templates": found}}}}


def mapped(mapper: str, **more: Any) -> dict[str, Any]:
    return {"jwks_url": inline(key_set(jwk("HS256"))), "claims_mapper_url": inline(mapper), **more}


def ask(app: Caller, template: str) -> Any:
    return app.http.get("sessions/whoami", params={"tokenize_as": template}, headers=app.headers())


def claims_of(app: Caller, template: str, algorithm: str = "HS256") -> dict[str, Any]:
    token = ask(app, template).json()["tokenized"]
    return dict(jwt.decode(token, KEYS[algorithm], algorithms=[algorithm]).claims)


@pytest.fixture
def ann(start: Start) -> Caller:
    server = start(
        templates(
            **{algorithm: {"jwks_url": inline(key_set(jwk(algorithm))), "ttl": "5m"} for algorithm in KEYS},
            plain={"jwks_url": inline(key_set(jwk("HS256")))},
            adds=mapped(ADDS),
            lies=mapped("{claims: {sub: 'somebody else', iss: 'me', exp: 1, jti: 'j'}}"),
            external=mapped("{claims: {}}", subject_source="external_id"),
            no_claims=mapped("{other: {}}"),
            loops=mapped("local f(x) = f(x + 1); f(0)"),
            reads=mapped("{claims: {x: importstr '/etc/passwd'}}"),
            gone={"jwks_url": "file:///nowhere/jwks.json"},
            empty={"jwks_url": inline(key_set())},
            none={"jwks_url": inline(key_set({**jwk("HS256"), "alg": "none"}))},
            public={"jwks_url": inline(key_set({**KEYS["ES256"].as_dict(private=False), "alg": "ES256"}))},
            crossed={"jwks_url": inline(key_set({**jwk("HS256"), "alg": "RS256"}))},
        )
    )  # fmt: skip
    Operator(server).person()
    app = Caller(server, "app")
    app.sign_in()
    return app


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("algorithm", KEYS)
def test_every_algorithm_makes_a_token_that_verifies(ann: Caller, algorithm: str) -> None:
    session = ask(ann, algorithm).json()
    token = jwt.decode(session["tokenized"], KEYS[algorithm], algorithms=[algorithm])
    assert token.header == {"alg": algorithm, "kid": "k", "typ": "JWT"}
    claims = dict(token.claims)
    assert (claims["sub"], claims["sid"]) == (session["identity"]["id"], session["id"])
    assert (claims["iss"], claims["exp"] - claims["iat"]) == (ann.server.public, 300)
    assert claims["nbf"] == claims["iat"]


def test_two_tokens_have_two_ids_and_one_minute_unless_told(ann: Caller) -> None:
    first, second = claims_of(ann, "plain"), claims_of(ann, "plain")
    assert first["jti"] != second["jti"]
    assert first["exp"] - first["iat"] == 60


def test_a_mapper_adds_and_overrides_all_but_the_subject(ann: Caller) -> None:
    added = claims_of(ann, "adds")
    assert (added["email"], added["aal"]) == ("ann@example.org", "aal1")
    lies = claims_of(ann, "lies")
    assert (lies["iss"], lies["exp"], lies["jti"]) == ("me", 1, "j")
    assert lies["sub"] == ann.whoami()["identity"]["id"]


def test_the_subject_may_be_the_external_id(ann: Caller) -> None:
    assert ask(ann, "external").status_code == 400
    id_ = ann.whoami()["identity"]["id"]
    change = [{"op": "add", "path": "/external_id", "value": "ext-7"}]
    assert Operator(ann.server).http.patch(f"admin/identities/{id_}", json=change).status_code == 200
    assert claims_of(ann, "external")["sub"] == "ext-7"


@pytest.mark.parametrize(
    ("template", "status"),
    [("missing", 400), ("no_claims", 500), ("loops", 400), ("reads", 400), ("gone", 500), ("empty", 400), ("none", 400),
     ("public", 400), ("crossed", 400)],
)  # fmt: skip
def test_a_template_that_cannot_be_used_says_why(ann: Caller, template: str, status: int) -> None:
    """What only an operator can mend has a status of its own; the session itself is as good as before."""
    answer = ask(ann, template)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, status)
    assert "tokenized" not in answer.text
    assert ann.is_signed_in


def test_no_session_no_token(ann: Caller) -> None:
    stranger = Caller(ann.server, "app")
    assert ask(stranger, "plain").status_code == 401
    assert ask(stranger, "missing").status_code == 401


def test_only_the_first_key_signs(start: Start, tmp_path: Path) -> None:
    """To rotate, put the new key in front; who verifies has both."""
    file = tmp_path / "jwks.json"
    file.write_text(key_set(jwk("HS256", "new"), jwk("ES256", "old")))
    server: LiveServer = start(templates(plain={"jwks_url": file.as_uri()}))
    Operator(server).person()
    app = Caller(server, "app")
    app.sign_in()
    both = KeySet.import_key_set({"keys": [jwk("HS256", "new"), jwk("ES256", "old")]})
    token = jwt.decode(ask(app, "plain").json()["tokenized"], both, algorithms=["HS256", "ES256"])
    assert token.header["kid"] == "new"


def test_tokens_are_not_kept_by_anybody_between(start: Start) -> None:
    server = start({**templates(plain=mapped("{claims: {}}")), "feature_flags": {"cacheable_sessions": True}})
    Operator(server).person()
    app = Caller(server, "app")
    app.sign_in()
    answer = ask(app, "plain")
    assert answer.headers["cache-control"] == "private, no-cache, no-store, must-revalidate"
    assert "ory-session-cache-for" not in answer.headers
