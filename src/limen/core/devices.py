"""What people call the thing a session lives on, from its user agent. A guess for human eyes: nothing depends on it."""

from __future__ import annotations

from ipaddress import ip_address as parse

# Browsers name those they descend from, too: the first that is found counts.
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("Vivaldi", "Vivaldi"), ("SamsungBrowser", "Samsung Internet"), ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("HeadlessChrome", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
    ("curl/", "curl"), ("okhttp", "Android app"), ("CFNetwork", "iOS app"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("CrOS", "ChromeOS"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("Macintosh", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def device_name(user_agent: str) -> str:
    """`Firefox, Windows`; what can be told of it, or an empty text."""
    names = (browser(user_agent), system(user_agent))
    return ", ".join(name for name in names if name)


def browser(user_agent: str) -> str:
    return _first(_BROWSERS, user_agent)


def system(user_agent: str) -> str:
    return _first(_SYSTEMS, user_agent)


def _first(known: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for part, name in known if part in user_agent), "")


def ip_address(text: str) -> str:
    """The address without the port that stands behind it when it was taken from the connection itself."""
    host = text.rpartition(":")[0]
    for candidate in (text, host):
        try:
            return str(parse(candidate))
        except ValueError:
            continue
    return text
