"""Requests as the configuration describes them, for web hooks and for messages over HTTP: headers, proof, forms."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec

from limen.core.confighooks import Auth, BasicAuth

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"


def canonical(name: str) -> str:
    """A header's name as Go writes it: `x-api-key` and `X-API-KEY` are `X-Api-Key`."""
    return "-".join(part.capitalize() for part in name.split("-"))


def headers(configured: Mapping[str, str], auth: Auth | None) -> dict[str, str]:
    """The configured headers and what proves who calls; a name counts once, however it is written."""
    sent = {"Content-Type": JSON, **{canonical(name): value for name, value in configured.items()}}
    if isinstance(auth, BasicAuth):
        pair = f"{auth.config.user}:{auth.config.password}".encode()
        return sent | {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    if auth is None:
        return sent
    key = auth.config
    if key.location == "header":
        return {name: value for name, value in sent.items() if name != canonical(key.name)} | {key.name: key.value}
    return sent | {"Cookie": "; ".join([*([sent["Cookie"]] if "Cookie" in sent else []), f"{key.name}={key.value}"])}


def allowed(given: Iterable[tuple[bytes, bytes]], allowlist: Iterable[str]) -> dict[str, list[str]]:
    """Those of a person's headers that the configuration lets out, each with all its values."""
    names = {name.lower() for name in allowlist}
    found: dict[str, list[str]] = {}
    for raw, value in given:
        name = raw.decode("latin1")
        if name in names:
            found.setdefault(canonical(name), []).append(value.decode("latin1"))
    return found


def form(text: str) -> bytes:
    """A form, of the JSON that a Jsonnet snippet made.

    :raises ValueError: it is no map of texts
    """
    try:
        values = msgspec.json.decode(text, type=dict[str, str])
    except msgspec.MsgspecError as error:
        raise ValueError("a form is a map of texts") from error
    return urlencode(sorted(values.items())).encode()
