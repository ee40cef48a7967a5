"""An operator in front of the admin port."""

from __future__ import annotations

import re
from typing import Any

import httpx

from tests.support.callers import PASSWORD
from tests.support.server import LiveServer


class Operator:
    def __init__(self, server: LiveServer) -> None:
        self.http = httpx.Client(base_url=server.admin, follow_redirects=False)
        server.closing.append(self.http.close)

    def create(self, email: str = "ann@example.org", *, password: str = "", **more: Any) -> httpx.Response:
        """Create a person; with a password in the clear, if one is given."""
        credentials = {"password": {"config": {"password": password}}} if password else {}
        body = {"traits": {"email": email}, **more}
        if credentials or "credentials" in more:
            body["credentials"] = {**credentials, **more.get("credentials", {})}
        return self.http.post("admin/identities", json=body)

    def person(self, email: str = "ann@example.org", **more: Any) -> dict[str, Any]:
        """The same for those who know that it works."""
        answer = self.create(email, **{"password": PASSWORD, **more})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(f"admin/{path}", params=query or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def config(self, id_: str, type_: str) -> Any:
        """What is stored of a person's credential."""
        return self.get(f"identities/{id_}", include_credential=type_)["credentials"][type_].get("config")

    def batch(self, *people: Any) -> httpx.Response:
        """Each person is a create body, or None."""
        return self.http.patch("admin/identities", json={"identities": [{"create": person} for person in people]})


def links(answer: httpx.Response) -> dict[str, str]:
    """The addresses in a `Link` header by their names, without the leading slash."""
    found = re.findall(r'<([^>]*)>; ?rel="(\w+)"', answer.headers.get("link", ""))
    return {rel: url.lstrip("/") for url, rel in found}
