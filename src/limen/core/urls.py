"""Addresses: joining them, reading queries as Go reads them, and who may be sent where (`return_to`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import parse_qsl, quote, unquote_plus, urlencode, urlsplit, urlunsplit

from msgspec import Struct

from limen.core import errors

# A browser strips tabs, line breaks and outer spaces and reads "\" as "/" (WHATWG URL, "basic URL parser"): such text
# means one thing to us and another to the browser, so it is never an address. A space inside is a "%20" to both.
_AMBIGUOUS = re.compile(r"[\x00-\x1f\x7f\\]|^ | $")
_HOST = re.compile(r"(?:[^\s\\^`{|}%\[\]@:]*|\[[^\]]*\])(?::\d*)?")
_USER = re.compile(r"[\w.~!$&'()*+,;=%:@-]*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_UPWARDS = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
_IN_PATH = "%/:;=@&+$,!*'()[]~-_."
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Url(Struct, frozen=True):
    """A parsed address. `host` carries the port and is lower case; a relative address has no scheme and no host."""

    scheme: str
    host: str
    path: str
    query: str
    fragment: str

    def __str__(self) -> str:
        return urlunsplit((self.scheme, self.host, self.path, self.query, self.fragment))

    @classmethod
    def parse(cls, text: str) -> Url | None:
        """None for what a browser might read differently: white space, backslashes, user info, `https:name`."""
        if _AMBIGUOUS.search(text):
            return None
        try:
            parts = urlsplit(text)
            _ = parts.port  # raises for a port that is no number
        except ValueError:
            return None
        if (
            set("@ ") & set(parts.netloc)
            or (parts.scheme and not parts.netloc)
            or (not parts.netloc and parts.path.startswith("//"))
        ):
            return None
        return cls(parts.scheme.lower(), parts.netloc.lower(), parts.path, parts.query, parts.fragment)

    def is_under(self, base: Url) -> bool:
        """Same scheme, same host (`*.example.org` covers its subdomains), and a path that starts with the base's."""
        if self.scheme != base.scheme:
            return False
        if base.host.startswith("*"):
            if not self.host.endswith(base.host[1:]):
                return False
        elif self.host != base.host:
            return False
        # Browsers resolve "..", and "%2e%2e" too, before they go there.
        if base.path.strip("/") and _UPWARDS.search(self.path):
            return False
        return (self.path or "/").startswith(base.path or "/")


def allow_list(entries: Iterable[str], public_url: str) -> tuple[Url, ...]:
    """The addresses people may return to: the configured ones and our own pages. Unsafe wildcards are left out."""
    texts = [*entries, join(public_url, "/self-service"), join(public_url, "/ui")]
    urls = [url for text in texts if (url := Url.parse(text))]
    return tuple(url for url in urls if is_safe_wildcard(url.host))


def is_safe_wildcard(host: str) -> bool:
    """`*.example.org` is; `*`, `*.org`, `a.*.org` and `*example.org` could cover hosts of strangers."""
    if "*" not in host:
        return True
    return host.startswith("*.") and "*" not in host[1:] and host.count(".") >= 2


def pick_return_to(asked: str | None, allowed: Sequence[Url], default: str) -> str:
    """Where to send the browser. Anything not allow-listed is refused, never silently replaced."""
    if not asked:
        return default
    if not is_readable(asked):
        raise errors.return_to_unreadable(asked)
    url, base = Url.parse(asked), Url.parse(default)
    if url is None:
        raise errors.return_to_forbidden(asked)
    if base is not None:
        url = Url(url.scheme or base.scheme, url.host or base.host, url.path, url.query, url.fragment)
    if not any(url.is_under(entry) for entry in allowed):
        raise errors.return_to_forbidden(asked)
    return str(Url(url.scheme, url.host, quote(url.path, safe=_IN_PATH), url.query, url.fragment))


def is_readable(text: str) -> bool:
    """Whether Go can read this as an address at all, whatever it then means."""
    before, _, fragment = text.partition("#")
    place, _, _ = before.partition("?")
    scheme = _SCHEME.match(place)
    rest = place[scheme.end() :] if scheme else place
    if _CONTROL.search(text) or _BAD_ESCAPE.search(fragment):
        return False
    if rest.startswith("//"):
        authority, _, path = rest[2:].partition("/")
        user, _, host = authority.rpartition("@")
        return not _BAD_ESCAPE.search(user + path) and all((_USER.fullmatch(user), _HOST.fullmatch(host)))
    return not _BAD_ESCAPE.search(rest) and (scheme is not None or ":" not in rest.partition("/")[0])


def join(base: str, path: str) -> str:
    """`https://id.example.org/auth/` and `/sessions` make `https://id.example.org/auth/sessions`."""
    return base.rstrip("/") + path


def with_query(url: str, values: Mapping[str, str]) -> str:
    """The address with these parameters set; others it has are kept. Keys come out sorted, as Go sorts them."""
    if "?" not in url and "#" not in url:
        return f"{url}?{urlencode(sorted(values.items()))}" if values else url
    parts = urlsplit(url)
    kept = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k not in values]
    query = urlencode(sorted([*kept, *values.items()], key=lambda pair: pair[0]))
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, parts.fragment))


def without_query(url: str, *names: str) -> str:
    parts = urlsplit(url)
    kept = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k not in names]
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(kept), parts.fragment))


def parse_query(raw: str) -> dict[str, list[str]]:
    """A query string as Go reads it: a pair with a broken escape or a semicolon is passed over."""
    found: dict[str, list[str]] = {}
    for pair in raw.split("&") if raw else ():
        if not pair or is_broken(pair):
            continue
        key, _, value = pair.partition("=")
        found.setdefault(_unquoted(key), []).append(_unquoted(value))
    return found


def _unquoted(text: str) -> str:
    """As `unquote_plus` does it, which takes its time over what is not quoted."""
    return unquote_plus(text) if "%" in text or "+" in text else text


def is_broken(pair: str) -> bool:
    """Whether Go would refuse this pair of a query string."""
    return ";" in pair or ("%" in pair and _BAD_ESCAPE.search(pair) is not None)


def query_value(url: str, name: str) -> str:
    """The first value of a parameter of this address, or an empty text."""
    if "?" not in url:
        return ""
    return parse_query(urlsplit(url).query).get(name, [""])[0]


def quote_path(text: str) -> str:
    """One path segment, with everything escaped that could end it."""
    return quote(text, safe="")
