"""How a call of ours proves itself to who is called: basic authentication, or a key in a header or cookie."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from limen.core.confighooks import Auth, BasicAuth


def canonical(name: str) -> str:
    """`x-api-key` and `X-Api-Key` are one header."""
    return "-".join(part.capitalize() for part in name.split("-"))


def headers_for(configured: Mapping[str, str], auth: Auth | None, *, content_type: str) -> dict[str, str]:
    """The configured headers and what proves who calls; a name counts once, however it is written."""
    headers = {canonical(name): value for name, value in configured.items()}
    headers.setdefault("Content-Type", content_type)
    return _authenticated(headers, auth) if auth else headers


def _authenticated(headers: Mapping[str, str], auth: Auth) -> dict[str, str]:
    if isinstance(auth, BasicAuth):
        pair = f"{auth.config.user}:{auth.config.password}".encode()
        return {**headers, "Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    key = auth.config
    if key.location == "header":
        kept = {name: value for name, value in headers.items() if name.lower() != key.name.lower()}
        return {**kept, key.name: key.value}
    cookies = [*([headers["Cookie"]] if "Cookie" in headers else []), f"{key.name}={key.value}"]
    return {**headers, "Cookie": "; ".join(cookies)}
