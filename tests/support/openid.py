"""An OpenID provider on this machine: as the standard has it, until a test makes it misbehave."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import httpx
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

CLIENT, SECRET = "limen", "a client secret"
MAPPER = """
local claims = std.extVar('claims');
local email = std.get(claims, 'email');
{
  identity: {
    traits: { [if email != null then 'email']: email, [if 'given_name' in claims then 'name']: claims.given_name },
    verified_addresses: if std.get(claims, 'email_verified', false) then [{ via: 'email', value: email }] else [],
  },
}
"""
ANN = {"sub": "ann-at-acme", "email": "ann@example.org", "email_verified": True, "given_name": "Ann"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Whoever asked hung up, as callers do."""


class OpenIdProvider:
    """`user` is who signs in next. `claims` and `sign` change the next tokens, `description` and `keys` what it publishes."""

    def __init__(self, *, pkce: bool = True) -> None:
        self.user: dict[str, Any] = dict(ANN)
        self.userinfo: dict[str, Any] | None = None
        self.error = ""
        self.claims: dict[str, Any] = {}  # laid over those of the next tokens; None takes one away
        self.sign: Callable[[dict[str, Any]], str] = self.signed
        self.description: dict[str, Any] = {"code_challenge_methods_supported": ["S256"]} if pkce else {}
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        self.keys: Callable[[], Any] = lambda: {"keys": [self.key.as_dict(private=False)]}
        self.token_status = 200
        self.keeps_alive = True  # its connections
        self.redirects: dict[str, str] = {}  # paths that lead elsewhere
        self.asked: list[dict[str, str]] = []  # authorization requests
        self.fetched: list[str] = []  # every path that was called
        self._codes: dict[str, tuple[dict[str, Any], dict[str, str]]] = {}
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    # --- what a test uses -------------------------------------------------------------------------------------------

    def configured(self, id_: str = "acme", **more: Any) -> dict[str, Any]:
        """The entry of this provider in a configuration."""
        mapper = base64.b64encode(MAPPER.encode()).decode()
        own = {"id": id_, "provider": "generic", "issuer_url": self.issuer, "mapper_url": f"base64://{mapper}"}
        return {**own, "client_id": CLIENT, "client_secret": SECRET, "scope": ["email"], **more}

    def consent(self, url: str) -> str:
        """Go there as the browser would; returns where it is sent back to."""
        answer = httpx.get(url, follow_redirects=False)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def rotate(self) -> None:
        """Sign with a new key; the old one is not published any more."""
        self.key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"})

    def signed(self, claims: dict[str, Any], **header: Any) -> str:
        return _signed({"alg": "RS256", "kid": self.key.kid, **header}, claims, self.key)

    def id_token(self, user: dict[str, Any] | None = None, audience: str = CLIENT, **more: Any) -> str:
        now = int(time.time())
        whole = {"iss": self.issuer, "aud": audience, "iat": now, "exp": now + 600, **(user or self.user), **more}
        return self.sign({k: v for k, v in {**whole, **self.claims}.items() if v is not None})

    # --- what it answers --------------------------------------------------------------------------------------------

    def published(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256"],
            **self.description,
        }

    def authorize(self, query: dict[str, str]) -> str:
        self.asked.append(query)
        back = {"error": self.error, "error_description": "it said no"} if self.error else {"code": self._code(query)}
        return query["redirect_uri"] + "?" + urlencode({**back, "state": query.get("state", "")})

    def _code(self, query: dict[str, str]) -> str:
        code = secrets.token_urlsafe(16)
        self._codes[code] = (dict(self.user), query)
        return code

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Strict: the client, its secret, the address and the proof key all have to be the ones of the request."""
        if self.token_status != 200:
            return self.token_status, {"error": "server_error"}
        if not self._knows(form, authorization):
            return 401, {"error": "invalid_client"}
        user, query = self._codes.pop(form.get("code", ""), ({}, {}))
        digest = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if not user or form.get("redirect_uri") != query["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        if "code_challenge" in query and digest.rstrip(b"=").decode() != query["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        nonce = {"nonce": query["nonce"]} if "nonce" in query else {}
        return 200, {
            "access_token": "an-access-token",
            "refresh_token": "a-refresh-token",
            "token_type": "Bearer",
            "id_token": self.id_token(user, **nonce),
        }

    def _knows(self, form: dict[str, str], authorization: str) -> bool:
        if authorization.startswith("Basic "):
            name, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
            return (unquote_plus(name), unquote_plus(secret)) == (CLIENT, SECRET)
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)


def _handler(provider: OpenIdProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            provider.fetched.append(parts.path)
            match parts.path:
                case path if path in provider.redirects:
                    self.answer(302, b"", provider.redirects[path])
                case "/.well-known/openid-configuration":
                    self.answer(200, provider.published())
                case "/keys":
                    self.answer(200, provider.keys())
                case "/userinfo":
                    self.answer(200, provider.user if provider.userinfo is None else provider.userinfo)
                case "/authorize":
                    self.answer(302, b"", provider.authorize(query))
                case _:
                    self.answer(404, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            provider.fetched.append(self.path)
            form = {name: values[0] for name, values in parse_qs(body).items()}
            if self.path in provider.redirects:
                self.answer(307, b"", provider.redirects[self.path])
            else:
                self.answer(*provider.token(form, self.headers.get("authorization", "")))

        def answer(self, status: int, body: Any, location: str = "") -> None:
            sent = body if isinstance(body, bytes) else json.dumps(body).encode()
            try:
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(sent)))
                if location:
                    self.send_header("location", location)
                if not provider.keeps_alive:
                    self.send_header("connection", "close")
                self.end_headers()
                self.wfile.write(sent)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    return Handler


def unsigned(claims: dict[str, Any]) -> str:
    """A token of algorithm `none`."""
    return ".".join((_part({"alg": "none", "typ": "JWT"}), _part(claims), ""))


def signed_with_public_key(provider: OpenIdProvider) -> Callable[[dict[str, Any]], str]:
    """Tokens signed by HMAC, with the provider's public key as the shared secret: everybody has that."""
    secret = provider.key.as_pem(private=False)

    def sign(claims: dict[str, Any]) -> str:
        data = f"{_part({'alg': 'HS256', 'kid': provider.key.kid})}.{_part(claims)}"
        signature = hmac.new(secret, data.encode(), hashlib.sha256).digest()
        return f"{data}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"

    return sign


def signed_by_stranger(**header: Any) -> Callable[[dict[str, Any]], str]:
    """Tokens signed with a key of one's own, which the header may offer for the check."""
    key = RSAKey.generate_key(2048)
    whole = {"alg": "RS256", "kid": "first", **header}
    if "jwk" in header:
        whole["jwk"] = key.as_dict(private=False)

    return lambda claims: _signed(whole, claims, key)


def _signed(header: dict[str, Any], claims: dict[str, Any], key: RSAKey) -> str:
    """A token with exactly this header, sensible or not."""
    data = f"{_part(header)}.{_part(claims)}"
    signature = JWSRegistry.algorithms[header["alg"]].sign(data.encode(), key)
    return f"{data}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
