"""The providers that are known by name, read from `providers.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec

from limen.social import odd
from limen.social.kinds import Kind, Read
from limen.social.profiles import standard

AMAZON_SCOPES = ("profile", "profile:user_id", "postal_code")
_READERS: Mapping[str, Read] = {
    "standard": standard, "github": odd.github, "github_app": odd.github_app, "facebook": odd.facebook,
    "discord": odd.discord, "vk": odd.vk, "yandex": odd.yandex, "linkedin": odd.linkedin, "x": odd.x,
    "bitbucket": odd.bitbucket,
}  # fmt: skip


@cache
def kinds() -> Mapping[str, Kind]:
    """All of them, by the name that `provider` has in a configuration."""
    document = tomllib.loads(resources.files("limen.social").joinpath("providers.toml").read_text(encoding="utf8"))
    return {id_: _kind(id_, entry) for id_, entry in document.items()}


def _kind(id_: str, entry: dict[str, object]) -> Kind:
    reader = entry.pop("read", None)
    found = msgspec.convert({"id": id_, **entry}, Kind)
    return msgspec.structs.replace(found, read=_READERS[str(reader)]) if reader else found
