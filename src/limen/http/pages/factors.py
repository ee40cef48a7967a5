"""What the pages say about the things somebody signs in with: names, when they were added and used, which are the last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from msgspec import Struct, UnsetType

from limen.core import clock, totp
from limen.core.config import Config
from limen.http.pages.words import Words
from limen.identity import factors, keys
from limen.identity.keys import Key
from limen.identity.model import Credential, Identity

_SECOND = ("totp", "lookup_secret", "webauthn")  # what is taken away in the settings


class Held(Struct, frozen=True):
    """One of them. `title` is the name somebody gave it; `facts` are short; `warning` says what its removal means."""

    title: str = ""
    facts: tuple[str, ...] = ()
    warning: str = ""


class Holdings(Struct, frozen=True):
    """By group of the settings form, and for keys by the value of the button that removes one."""

    groups: Mapping[str, Held]
    keys: Mapping[str, Held]

    def of(self, group: str, value: str) -> Held:
        return self.keys.get(value) or self.groups.get(group) or Held()


def holdings(config: Config, identity: Identity, words: Words, now: datetime) -> Holdings:
    is_last = factors.second(config, identity) == 1
    last = words("page.remove.last_factor_needed" if config.limen.second_factor.required else "page.remove.last_factor")
    groups, found = dict[str, Held](), dict[str, Held]()
    for type_, credential in identity.credentials.items():
        ends = last if is_last and type_ in _SECOND else ""
        used = [_used(at, words, now) for at in sorted(_uses(credential))[-1:]]
        groups[type_] = Held(facts=(*_facts(credential, words, now), *used), warning=ends)
        if type_ in ("webauthn", "passkey"):
            for key in keys.read(credential.config).credentials:
                found[key.hex] = _key(key, words, now, ends if not key.is_passwordless else "")
    return Holdings(groups, found)


def recent(identity: Identity, mailed_at: str = "") -> list[str]:
    """The second factors that were used, the last one first. Of codes that were sent nothing is kept but `mailed_at`."""
    uses = {type_: max(_uses(credential), default="") for type_, credential in identity.credentials.items()}
    uses["code"] = mailed_at
    return sorted((type_ for type_, at in uses.items() if at), key=lambda type_: uses[type_], reverse=True)


def _uses(credential: Credential) -> Iterator[str]:
    """When the second step was made with it, as far as that is known."""
    match credential.type:
        case "totp" if step := credential.config.get("last_used_step"):
            yield clock.text(totp.moment(int(step)))
        case "lookup_secret":
            yield from (str(c["used_at"]) for c in credential.config.get("recovery_codes") or () if c.get("used_at"))
        case "webauthn":
            known = (key.last_used_at for key in keys.second(keys.read(credential.config)))
            yield from (at for at in known if not isinstance(at, UnsetType))


def _facts(credential: Credential, words: Words, now: datetime) -> Iterator[str]:
    config = credential.config
    match credential.type:
        case "totp" if config.get("totp_url"):
            yield words("page.held.added", ago=words.ago(credential.created_at, now))
        case "lookup_secret" if codes := config.get("recovery_codes"):
            left = sum(1 for code in codes if not code.get("used_at"))
            yield words("page.held.codes_left", left=left, count=len(codes))


def _key(key: Key, words: Words, now: datetime, warning: str) -> Held:
    facts = [words("page.held.added", ago=words.ago(key.added_at, now))] if key.added_at else []
    if not isinstance(key.last_used_at, UnsetType):
        facts.append(_used(key.last_used_at, words, now))
    return Held(key.display_name or words("page.held.unnamed"), tuple(facts), warning)


def _used(stamp: str, words: Words, now: datetime) -> str:
    return words("page.held.used", ago=words.ago(stamp, now))
