"""An OAuth 2.0 server for tests: the part of Ory Hydra's admin API that a login provider speaks to."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROOT = "/admin/oauth2/auth/requests/login"
GONE = {"error": "Not Found", "error_description": "Unable to locate the requested resource"}
Answer = tuple[int, Any]


class OAuth2Server:
    """`open` makes a login request. `asked` and `accepting` replace the answer for a challenge; `calls` is what came."""

    def __init__(self) -> None:
        self.requests: dict[str, dict[str, Any]] = {}
        self.asked: dict[str, Answer] = {}
        self.accepting: dict[str, Answer] = {}
        self.calls: list[dict[str, Any]] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def open(self, challenge: str = "one", **more: Any) -> str:
        self.requests[challenge] = {
            "challenge": challenge,
            "client": {"client_id": "app", "client_name": "The app", "logo_uri": "", "skip_logout_consent": None},
            "oidc_context": {"login_hint": "ann@example.org", "display": None},
            "request_url": f"{self.url}/oauth2/auth?client_id=app&scope=openid+profile",
            "requested_scope": ["openid", "profile"],
            "requested_access_token_audience": [],
            "session_id": "7b0f9a52-7a0c-4d0c-9a4e-2f1d6c5b4a39",
            "skip": False,
            "subject": "",
            **more,
        }
        return challenge

    def back(self, challenge: str = "one") -> str:
        """Where the browser goes on after this request was accepted."""
        return f"{self.url}/oauth2/auth?login_verifier={challenge}"

    @property
    def accepted(self) -> list[dict[str, Any]]:
        """What was sent with each acceptance."""
        return [call["body"] for call in self.calls if call["method"] == "PUT"]

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _answer(self, method: str, path: str, challenge: str) -> Answer:
        known = self.requests.get(challenge)
        if (method, path) == ("GET", ROOT):
            return self.asked.get(challenge) or ((200, known) if known else (404, GONE))
        if (method, path) == ("PUT", ROOT + "/accept"):
            accepted = (200, {"redirect_to": self.back(challenge)})
            return self.accepting.get(challenge) or (accepted if known else (404, GONE))
        return 404, GONE

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                parts = urlsplit(self.path)
                challenge = parse_qs(parts.query).get("login_challenge", [""])[0]
                server.calls.append(
                    {
                        "method": self.command,
                        "path": parts.path,
                        "challenge": challenge,
                        "headers": {k.lower(): v for k, v in self.headers.items()},
                        "body": json.loads(raw) if raw else None,
                    }
                )
                status, body = server._answer(self.command, parts.path, challenge)
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = _serve  # noqa: N815 - the names http.server looks for

            def log_message(self, *_: Any) -> None: ...

        return Handler
