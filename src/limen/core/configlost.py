"""Where a key belongs that stands where it cannot: misspelled, indented wrongly, or from an older version of Kratos."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Final

from limen.core.configkeys import Key, Path, dotted, everything, keys
from limen.core.configvalues import nearest

# What older versions called it → what it is called now; nothing when it is gone. `*` stands for the kind of flow.
MOVED: Final[Mapping[str, str]] = {
    "selfservice.strategies": "selfservice.methods",
    "selfservice.whitelisted_return_urls": "selfservice.allowed_return_urls",
    "selfservice.whitelisted_return_to_urls": "selfservice.allowed_return_urls",
    "selfservice.default_return_url": "selfservice.default_browser_return_url",
    "selfservice.default_return_to": "selfservice.default_browser_return_url",
    "selfservice.login": "selfservice.flows.login",
    "selfservice.registration": "selfservice.flows.registration",
    "selfservice.settings": "selfservice.flows.settings",
    "selfservice.profile": "selfservice.flows.settings",
    "selfservice.verify": "selfservice.flows.verification",
    "selfservice.verification": "selfservice.flows.verification",
    "selfservice.recovery": "selfservice.flows.recovery",
    "selfservice.logout": "selfservice.flows.logout",
    "selfservice.logout.redirect_to": "selfservice.flows.logout.after.default_browser_return_url",
    "selfservice.flows.*.request_lifespan": "selfservice.flows.*.lifespan",
    "selfservice.flows.*.after.default_return_to": "selfservice.flows.*.after.default_browser_return_url",
    "selfservice.flows.registration.enable_legacy_flow": "selfservice.flows.registration.style",
    "selfservice.methods.code.registration_enabled": "selfservice.methods.code.passwordless_enabled",
    "selfservice.methods.code.login_enabled": "selfservice.methods.code.passwordless_enabled",
    "urls.self.public": "serve.public.base_url",
    "urls.self.admin": "serve.admin.base_url",
    "urls.login_ui": "selfservice.flows.login.ui_url",
    "urls.mfa_ui": "selfservice.flows.login.ui_url",
    "urls.registration_ui": "selfservice.flows.registration.ui_url",
    "urls.settings_ui": "selfservice.flows.settings.ui_url",
    "urls.profile_ui": "selfservice.flows.settings.ui_url",
    "urls.verify_ui": "selfservice.flows.verification.ui_url",
    "urls.recovery_ui": "selfservice.flows.recovery.ui_url",
    "urls.error_ui": "selfservice.flows.error.ui_url",
    "urls.default_return_to": "selfservice.default_browser_return_url",
    "urls.default_return_url": "selfservice.default_browser_return_url",
    "urls.whitelisted_return_to_urls": "selfservice.allowed_return_urls",
    "urls.whitelisted_return_to_domains": "selfservice.allowed_return_urls",
    "identity.default_schema_url": "identity.schemas (an entry with `id: default` and this `url`)",
    "identity.traits": "identity.schemas (entries with `id` and `url`)",
    "hashers.argon2.min_memory": "hashers.argon2.memory",
    "courier.connection_uri": "courier.smtp.connection_uri",
    "courier.smtp_uri": "courier.smtp.connection_uri",
    "courier.smtp.url": "courier.smtp.connection_uri",
    "courier.from_address": "courier.smtp.from_address",
    "courier.sms": "courier.channels (an entry with `id: sms` and this `request_config`)",
    "secrets.session": "secrets.cookie",
    "ttl.session": "session.lifespan",
    "security.session.cookie.same_site": "session.cookie.same_site",
    "session.persistent": "session.cookie.persistent",
    "session.whoami.required_aal_level": "session.whoami.required_aal",
    "serve.public.domain_aliases": "",
    "profiling": "",
    "tracing.providers.jaeger.local_agent_host": "tracing.providers.jaeger.local_agent_address (host:port)",
    "tracing.providers.jaeger.local_agent_port": "tracing.providers.jaeger.local_agent_address (host:port)",
    "tracing.providers.jaeger.sampling.type": "tracing.providers.jaeger.sampling.trace_id_ratio",
    "tracing.providers.jaeger.sampling.value": "tracing.providers.jaeger.sampling.trace_id_ratio",
    "oauth2_provider.admin_url": "oauth2_provider.url",
}


def where(path: Path, parent: Key, value: object = None) -> str:
    """Where the unknown key at the end of `path` belongs, as a sentence; nothing when nobody can tell."""
    name, inside = str(path[-1]).strip(), path[:-1]
    siblings = list(keys(parent.section))
    if moved := _moved(path, value):
        return moved
    if same := nearest(name, siblings, 0.99):
        return f"Did you mean `{same}`?"
    if within := [known for known, key in keys(parent.section).items() if name in keys(key.section)]:
        return f"It belongs inside {_either(within)}."
    homes = [home for home in _homes().get(name, ()) if home[:-1] != inside]
    deeper = [home for home in homes if home[: len(inside)] == inside]
    outside = [home for home in homes if inside[: len(home) - 1] == home[:-1]]
    if outside:
        home = max(outside, key=len)
        under = f"directly under `{dotted(home[:-1])}`" if len(home) > 1 else "at the top level of the file"
        return f"It belongs {under}: check the indentation."
    if deeper and min(map(len, deeper)) <= min(map(len, homes)) + 1:
        return f"It belongs at {listed(deeper)}."
    if flat := [path for path, _ in everything() if name in (dotted(path), "_".join(path).replace("-", "_"))]:
        return f"Keys are nested: `{dotted(flat[0])}` means `{flat[0][-1]}:` inside `{dotted(flat[0][:-1])}:`."
    if sibling := nearest(name, siblings):
        return f"Did you mean `{sibling}`?"
    if not homes and (other := nearest(name, [known for known in _homes() if len(known) > 3], 0.85)):
        homes = list(_homes()[other])
    shallow = [home for home in homes if len(home) == min(map(len, homes))]
    return f"It may belong at {listed(shallow)}." if 0 < len(homes) < 8 else ""


def listed(places: Iterable[Path], most: int = 3) -> str:
    """Several paths as people would say them: `selfservice.flows.{login, recovery}.before.hooks`."""
    left, told = sorted(places, key=len), list[str]()
    while left:
        first = left[0]
        groups = (
            (
                step,
                [
                    place
                    for place in left
                    if (*place[:step], 0, *place[step + 1 :]) == (*first[:step], 0, *first[step + 1 :])
                ],
            )
            for step in range(len(first))
        )
        step, group = max(groups, key=lambda one: len(one[1]))
        names = ", ".join(str(place[step]) for place in group)
        told.append(dotted((*first[:step], "{" + names + "}" if len(group) > 1 else names, *first[step + 1 :])))
        left = [place for place in left if place not in group]
    more = f" and {len(told) - most} other places" if len(told) > most else ""
    return ", ".join(f"`{place}`" for place in told[:most]) + more


def _either(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


@cache
def _homes() -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """The name of a key → everywhere it may stand."""
    homes: dict[str, tuple[tuple[str, ...], ...]] = {}
    for path, key in everything():
        if not key.deprecated:
            homes[path[-1]] = (*homes.get(path[-1], ()), path)
    return homes


def _moved(path: Path, value: object) -> str:
    told = [(old, _now(old)) for old in ((*path, *below) for below in _inside(value))]
    known = [(old, new) for old, new in told if new is not None]
    if not known:
        return ""
    parts = [_told(dotted(old), *new.partition(" ")) for old, new in known]
    return f"An older version of Kratos had it: {'; '.join(parts)}."


def _told(old: str, new: str, space: str, more: str) -> str:
    return f"`{old}` is now `{new}`{space}{more}" if new else f"`{old}` is gone: leave it out"


def _inside(value: object) -> Iterator[Path]:
    yield ()
    for name, part in value.items() if isinstance(value, dict) else ():
        for below in _inside(part):
            yield (name, *below)


def _now(path: Path) -> str | None:
    if path[:2] == ("selfservice", "flows") and len(path) > 3:
        general = MOVED.get(dotted((*path[:2], "*", *path[3:])))
        return general and general.replace("*", str(path[2]))
    return MOVED.get(dotted(path))
