"""Cross-origin requests to the public port: answered here, by an exact list (one leading wildcard label at most)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from limen.core.configserver import Cors
from limen.core.urls import is_safe_wildcard

Headers = list[tuple[str, str]]
_ALWAYS = {"accept", "origin"}  # request headers that need no permission


class CorsPolicy:
    """`serve.public.cors`, compiled. Without it there is one that says nothing."""

    def __init__(self, config: Cors, *, allow_unsafe: bool = False) -> None:
        self.enabled = config.enabled
        self._config = config
        self._any = "*" in config.allowed_origins
        self._exact = {o.lower().rstrip("/") for o in config.allowed_origins if "*" not in o}
        self._suffixes = [
            (scheme, host[1:])
            for scheme, host in map(_split, map(str.lower, config.allowed_origins))
            if host.startswith("*") and (allow_unsafe or is_safe_wildcard(host))
        ]
        self._methods = {m.upper() for m in config.allowed_methods}
        self._headers = {h.lower() for h in config.allowed_headers} | _ALWAYS

    def allows(self, origin: str) -> bool:
        """Whether scripts of this origin may read our answers. `null` (a file, a sandbox) never is."""
        if not origin or origin == "null":
            return False
        if self._any or origin in self._exact:
            return True
        scheme, host = _split(origin)
        return any(scheme == s and host.endswith(end) and len(host) > len(end) for s, end in self._suffixes)

    def allows_cookies(self, origin: str) -> bool:
        """Whether calls of this origin, which is allowed, may carry cookies."""
        return self._is_named(origin) and self._config.allow_credentials

    def _is_named(self, origin: str) -> bool:
        # With a bare * anybody's page could act for whoever visits it, so cookies are not accepted then.
        return not self._any or origin.lower() in self._exact

    def _origin_headers(self, origin: str) -> Headers:
        if not self._is_named(origin):
            return [("access-control-allow-origin", "*")]
        found = [("access-control-allow-origin", origin)]
        if self._config.allow_credentials:
            found.append(("access-control-allow-credentials", "true"))
        return found

    def preflight(self, headers: Mapping[str, str]) -> Headers:
        """The headers of the answer to a preflight; without permission there are none."""
        asked = headers.get("access-control-request-headers", "")
        names = [h.strip().lower() for h in asked.split(",") if h.strip()]
        method = headers.get("access-control-request-method", "")
        origin = headers.get("origin", "")
        if not self.allows(origin) or method not in self._methods or not set(names) <= self._headers:
            return []
        found = [*self._origin_headers(origin), ("access-control-allow-methods", method)]
        if names:
            found.append(("access-control-allow-headers", asked))
        if self._config.max_age:
            found.append(("access-control-max-age", str(self._config.max_age)))
        return found

    def actual(self, headers: Mapping[str, str], method: str) -> Headers:
        """The headers that let a script read an answer."""
        origin = headers.get("origin", "")
        if not self.allows(origin) or (method not in self._methods and method != "OPTIONS"):
            return []
        found = self._origin_headers(origin)
        if self._config.exposed_headers:
            found.append(("access-control-expose-headers", ", ".join(self._config.exposed_headers)))
        return found


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    return method == "OPTIONS" and bool(headers.get("access-control-request-method"))


def _split(origin: str) -> tuple[str, str]:
    try:
        parts = urlsplit(origin)
    except ValueError:  # a bracket that is not closed
        return "", ""
    return parts.scheme, parts.netloc
