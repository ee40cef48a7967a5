"""Single values of the configuration: each kind read and checked, and what to write when it is written otherwise."""

import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from limen.core.configkeys import Key
from limen.core.configtypes import duration, duration_text, size, size_text


class Wrong(Struct, frozen=True):
    """What is wrong with a value, and what to write instead."""

    message: str
    hint: str = ""


Show = Callable[[object], str]

PLACEHOLDER: Final = re.compile(
    r"\$\{[A-Za-z_][^}]*\}|\$\([A-Z_][A-Z0-9_]*\)|\{\{.*\}\}|<%.*%>|^\$[A-Z_][A-Z0-9_]*$|^%[A-Z_][A-Z0-9_]*%$"
)
TRUTH: Final = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}
_YES_NO: Final = {"yes": True, "on": True, "y": True, "no": False, "off": False, "n": False} | TRUTH
_UNITS: Final = {
    "": 1.0, "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "msec": 1e-3, "s": 1.0, "sec": 1.0, "second": 1.0,
    "m": 60.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hr": 3600.0, "hour": 3600.0, "d": 86400.0, "day": 86400.0,
    "w": 604800.0, "wk": 604800.0, "week": 604800.0, "month": 2592000.0, "mo": 2592000.0, "y": 31536000.0,
    "year": 31536000.0,
}  # fmt: skip
_SCHEMES: Final[Mapping[str, tuple[str, ...]]] = {
    "http": ("https", "http"),
    "origin": ("https", "http"),
    "source": ("file", "https", "http", "base64"),
    "source_or_path": ("file", "https", "http", "base64"),
    "smtp": ("smtp", "smtps"),
    "dsn": ("sqlite", "postgres", "postgresql", "cockroach", "cockroachdb"),
}
_PAGES: Final = ("html", "htm", "php", "jsp", "aspx")  # a relative address that only looks like a host
_HOST: Final = re.compile(r"(?:[\w-]+\.)+[A-Za-z][\w-]*|localhost|\d+(?:\.\d+){3}|\[[0-9A-Fa-f:.]+\]")


def read(key: Key, value: object, show: Show) -> object:
    """The value as the struct holds it, or `Wrong`. `show` writes a value into a hint, or hides it."""
    if isinstance(value, (list, dict)) and key.kind != "any":
        one = isinstance(value, list) and len(value) == 1 and not isinstance(value[0], (list, dict))
        hint = f"Write `{_line(key, show(value[0]))}`" if one and isinstance(value, list) else ""
        return Wrong(f"One value belongs here, not a {'list' if isinstance(value, list) else 'map'}.", hint)
    if not isinstance(value, str):
        return _PLAIN.get(key.kind, _text)(key, value, show)
    if key.kind == "text" and not key.allowed:
        return _text(key, value, show)
    bare = value.strip()
    if len(bare) > 1 and (bare[0] + bare[-1]) in ('""', "''", "“”", "``"):
        return Wrong("The quotes are part of the value.", f"Write it without them: {show(bare[1:-1])}")
    if bare != value:
        return Wrong("There is a space before or after it.", f"Write {show(bare)}")
    if bare.startswith("<") and bare.endswith(">") and key.kind != "email":
        return Wrong("The angle brackets are part of the value.", f"Write it without them: {show(bare[1:-1])}")
    if key.kind in _SCHEMES or key.kind in ("uri", "link"):
        return _url(key.kind, value, show) or value
    return _PLAIN.get(key.kind, _text)(key, value, show)


def mask(text: str) -> str:
    """The text without the credentials a URL may carry."""
    text = re.sub(r"(?<=://)[^\s/@]*:\S*@|^[^\s/@:]+:[^\s/@]+@", "***:***@", text)
    return re.sub(r"([?&;](?:[\w-]*(?:password|secret|token)|key)=)[^&;\s]*", r"\1***", text, flags=re.IGNORECASE)


def nearest(name: str, names: list[str], least: float = 0.7) -> str:
    """The name that is spelled most alike, or nothing."""
    plain = {known.lower().replace("-", "_"): known for known in reversed(names)}
    wanted = name.strip().lower().replace("-", "_").replace(" ", "_")
    if least < 0.99 and (swapped := next((known for known in plain if sorted(known) == sorted(wanted)), "")):
        return plain[swapped]  # letters in another order count little, also in a short name
    return next((plain[match] for match in get_close_matches(wanted, list(plain), 1, least)), "")


def _line(key: Key, value: object) -> str:
    return f"{key.name}: {value}" if key.name else f"- {value}"


def _text(key: Key, value: object, show: Show) -> object:
    if not isinstance(value, str):
        quoted = _line(key, f'"{show(value)}"')
        hint = f"Put it in quotes: {quoted}" if isinstance(value, (bool, int, float)) else ""
        hint = f"Write `{key.example}`" if isinstance(value, float) and key.example else hint
        return Wrong("This must be text.", hint)
    if key.allowed and value not in key.allowed:
        match = nearest(value, [str(choice) for choice in key.allowed], 0.6)
        return Wrong("This is none of the values allowed.", f"Did you mean `{match}`?" if match else "")
    count = len(value)
    if count < key.shortest or (key.longest is not None and count > key.longest):
        if not key.secret:
            return Wrong("This must not be empty.")
        exact = key.shortest == key.longest
        wanted = f"exactly {key.shortest}" if exact else f"at least {key.shortest}"
        make = "Make a new one with `openssl rand -hex 16`: 32 characters."
        return Wrong(f"This secret has {count} characters; {wanted} are needed.", make)
    if key.pattern and not re.search(key.pattern, value):
        return Wrong("This is not written as it must be.", f"Write it like `{key.example}`" if key.example else "")
    return value


def _flag(key: Key, value: object, show: Show) -> object:
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if key.kind == "flagtext" and isinstance(value, str) and word in TRUTH:
        return TRUTH[word]
    if not isinstance(value, (str, int)) or word not in _YES_NO:
        return Wrong("This must be true or false.")
    right = "true" if _YES_NO[word] else "false"
    why = "This is text" if isinstance(value, str) else "This is a number"
    return Wrong(f"{why}; only true or false can stand here.", f"Write `{_line(key, right)}`, without quotes.")


def _number(key: Key, value: object, show: Show) -> object:
    if isinstance(value, float) and key.kind == "whole" and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int if key.kind == "whole" else (int, float)):
        fits = r"[+-]?\d+" if key.kind == "whole" else r"[+-]?\d+(\.\d+)?"
        digits = isinstance(value, str) and re.fullmatch(fits, value.strip())
        hint = f"Write `{_line(key, value)}`, without quotes." if digits else ""
        return Wrong(f"This must be {'a whole number' if key.kind == 'whole' else 'a number'}.", hint)
    if isinstance(value, float) and not math.isfinite(value):
        return Wrong("This must be a number that ends.")
    return _in_range(key, value, f"{value}")


def _in_range(key: Key, value: float, shown: str) -> object:
    if key.least is not None and value < key.least:
        return Wrong(f"{shown} is too small: {key.least:g} is the least.")
    if key.most is not None and value > key.most:
        return Wrong(f"{shown} is too large: {key.most:g} is the most.")
    if key.above is not None and value <= key.above:
        return Wrong(f"{shown} is too small: it must be more than {key.above:g}.")
    return value


def _duration(key: Key, value: object, show: Show) -> object:
    if isinstance(value, str) and (seconds := duration(value)) is not None:
        return _in_range(key, seconds, value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e12:
        written = duration_text(float(value))
        also = f"{value}s" if isinstance(value, int) and value >= 60 else ""
        hint = f"Did you mean {also} ({written})?" if also and also != written else f"Did you mean {written}?"
        return Wrong("A duration needs a unit.", hint)
    meant = _meant_duration(value) if isinstance(value, str) else None
    return Wrong(
        "This is no duration: whole numbers with h, m, s, ms, us or ns, written together.",
        f"Write {duration_text(meant)}" if meant is not None else "",
    )


def _meant_duration(text: str) -> float | None:
    """Seconds of `24 hours`, `1d`, `1.5h`, `PT1H`, `1:30`, `7 days, 2 hours`; None when nothing can be made of it."""
    text = text.strip().lower()
    text = text[1:].replace("t", "") if re.match(r"pt?\d", text) else text
    if clock := re.fullmatch(r"(\d{1,3}):(\d\d)(?::(\d\d))?", text):
        return int(clock[1]) * 3600.0 + int(clock[2]) * 60 + int(clock[3] or 0)
    total, rest = 0.0, re.sub(r"\s*(?:,|and)\s*", " ", text)
    parts = re.findall(r"(\d{1,12}(?:\.\d{1,9})?)\s*([a-zµ]*)\s*", rest)
    if not parts or re.sub(r"\d{1,12}(?:\.\d{1,9})?\s*[a-zµ]*\s*", "", rest):
        return None
    for number, unit in parts:
        factor = _UNITS.get(unit) or _UNITS.get(unit.removesuffix("s"))
        if factor is None:
            return None
        total += float(number) * factor
    return total


def _size(key: Key, value: object, show: Show) -> object:
    if isinstance(value, str):
        if (count := size(value)) is not None:
            return count
        loose = re.fullmatch(r"(\d{1,15})\s*([kmgtpe]?)(i?b)?(?:ytes?)?", value.strip().lower())
        hint = f"Write {loose[1]}{loose[2].upper()}B" if loose else ""
        return Wrong("This is no size: a whole number with B, KB, MB, GB, TB, PB or EB.", hint)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Wrong(
            "A size needs a unit.", f"Early versions of Kratos counted kilobytes; that is {size_text(value * 1024)}."
        )
    return Wrong("This must be a size.")


def _email(key: Key, value: object, show: Show) -> object:
    if not isinstance(value, str):
        return Wrong("This must be a mail address.")
    bare = value.removeprefix("mailto:")
    if bare != value:
        return Wrong("`mailto:` does not belong to the address.", f"Write {bare}")
    if named := re.fullmatch(r"\s*([^<]*?)\s*<([^<>\s]+@[^<>\s]+)>\s*", value):
        name = f", and the name `{named[1]}` as `from_name`" if named[1] else ""
        return Wrong("Only the address belongs here.", f"Write {named[2]}{name}.")
    if not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", value):
        return Wrong("This is no mail address.", "Write it like no-reply@example.com")
    return value


def _hostport(key: Key, value: object, show: Show) -> object:
    if not isinstance(value, str) or not value or re.search(r"\s", value):
        return Wrong("This must be host and port.")
    if "://" in value:
        return Wrong("No scheme belongs here.", f"Write {show(value.partition('://')[2])}")
    return value


def _network(key: Key, value: object, show: Show) -> object:
    try:
        return str(ipaddress.ip_network(str(value), strict=False))
    except ValueError:
        return Wrong("This is no network.", "Write it like 10.0.0.0/8, fd00::/8, or a single address.")


def _hostname(key: Key, value: object, show: Show) -> object:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", value):
        return value
    found = _HOST.search(value) if isinstance(value, str) else None
    return Wrong("This is no host name.", f"Write {found[0]}" if found else "")


def _any(key: Key, value: object, show: Show) -> object:
    return value


_PLAIN: Final[Mapping[str, Callable[[Key, object, Show], object]]] = {
    "flag": _flag,
    "flagtext": _flag,
    "whole": _number,
    "number": _number,
    "duration": _duration,
    "size": _size,
    "email": _email,
    "hostport": _hostport,
    "network": _network,
    "hostname": _hostname,
    "any": _any,
}


def _url(kind: str, text: str, show: Show) -> Wrong | None:
    """What is wrong with an address of this kind."""
    scheme, colon, rest = text.partition(":")
    known = _SCHEMES.get(kind, ())
    if not text:
        return Wrong("This is empty.", "Leave the key out if there is nothing to say.")
    if (kind == "dsn" and text == "memory") or (kind == "origin" and text == "*"):
        return None
    if kind == "source_or_path" and "://" not in text:
        return None  # a file's path, as the first versions had it
    if "\\" in text and kind != "source":
        return Wrong("There are backslashes in it.", f"Write {show(text.replace(chr(92), '/'))}")
    if kind in _BARE and (wrong := _BARE[kind](text, show)):
        return wrong
    missing = _without_scheme(kind, text)
    if missing:
        return Wrong("The scheme is missing.", f"Write {show(missing)}")
    if kind == "link" and ("://" not in text or text.startswith(("/", "#", "?"))):
        return Wrong("There is a space in it.", "Write %20 for it.") if re.search(r"\s", text) else None
    if not colon or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        return Wrong("This is no URL: its scheme is missing.")
    if known and scheme.lower() not in known:
        match = nearest(scheme, list(known), 0.6)
        return Wrong(f"`{scheme}:` cannot stand here.", f"Did you mean {show(f'{match}:{rest}')}?" if match else "")
    if not rest.startswith("//") and kind != "uri":
        right = f"file://{rest}" if scheme == "file" else f"{scheme}://{rest.lstrip('/')}"
        return Wrong(f"Two slashes belong after `{scheme}:`.", f"Write {show(right)}")
    if scheme in ("file", "base64", "sqlite"):
        return None if rest.strip("/") else Wrong(f"Nothing follows `{scheme}://`.")
    return _network_url(kind, scheme, text, show)


def _network_url(kind: str, scheme: str, text: str, show: Show) -> Wrong | None:
    if re.search(r"\s", text):
        return Wrong("There is a space in it.", "Write %20 for it.")
    encode = "Special characters in the password must be percent-encoded (`/` is %2F, `@` is %40, `#` is %23)."
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        if "@" in text and "@" not in re.split(r"[/?#]", text[len(scheme) + 3 :])[0]:
            return Wrong("Host and port cannot be told apart in it.", encode)
        number = re.search(r":(\d+)(?:[/?#]|$)", text[len(scheme) + 1 :])
        if number:
            return Wrong(f"There is no port {number[1]}: ports go from 1 to 65535.")
        return Wrong("Host and port cannot be told apart in it.")
    if port == 0:
        return Wrong("There is no port 0: ports go from 1 to 65535.")
    if not host and scheme.lower() in ("http", "https", "smtp", "smtps"):
        return Wrong("The host is missing.")
    if kind == "origin" and text.count("*") > 1:
        return Wrong("Only one `*` can stand in an origin.")
    return None


def _without_scheme(kind: str, text: str) -> str:
    """The URL as it was probably meant, if it is written without its scheme."""
    host = _HOST.match(text)
    if kind == "smtp":
        return "" if re.match(r"\w+:/", text) else f"smtp://{text}"
    if kind == "dsn":
        return f"sqlite://{text}" if re.search(r"\.(db|sqlite3?)(\?|$)", text) and "://" not in text else ""
    if kind in ("source", "source_or_path"):
        if re.match(r"[A-Za-z]:[\\/]", text):
            return "file:///" + text.replace("\\", "/")
        if "://" not in text and re.match(r"[./~]|[\w-]+(/|\.\w+$)", text):
            return "file://" + text.removeprefix("./")
        return ""
    if kind != "link" and re.match(r"[^\s/@]+@", text):  # user:password@host
        return f"https://{text}"
    after = text[host.end() :] if host else ""
    port = re.match(r":\d+(?=[/?#]|$)", after)
    if not host or not (port or not after or after[0] in "/?#"):
        named = re.match(r"[A-Za-z][\w-]*:\d+(?=[/?#]|$)", text)  # a host of one word, as in a compose file
        return f"http://{text}" if named else ""
    if kind == "link" and not port and (host[0].rpartition(".")[2] in _PAGES or "." not in host[0]):
        return ""
    local = host[0] == "localhost" or not host[0][-1].isalpha()
    return f"{'http' if local or (port and '.' not in host[0]) else 'https'}://{text}"


def _bare_dsn(text: str, show: Show) -> Wrong | None:
    scheme, _, rest = text.partition(":")
    if scheme == "jdbc":
        return Wrong("`jdbc:` does not belong to it.", f"Write {show(rest)}")
    if "+" in scheme:
        bare = scheme.partition("+")[0]
        return Wrong("No driver belongs after the scheme.", f"Write {show(f'{bare}:{rest}')}")
    if scheme in ("mysql", "mariadb"):
        return Wrong("MySQL is not supported.", "Data can be kept in SQLite or PostgreSQL.")
    if text.strip(":") == "memory":
        return Wrong("This is no data source.", "Write memory")
    return None


def _bare_source(text: str, show: Show) -> Wrong | None:
    if text.lstrip().startswith(("{", "function", "local ")):
        return Wrong("The text itself cannot stand here.", "Put it into a file, or write it as base64://…")
    return None


_BARE: Final[Mapping[str, Callable[[str, Show], Wrong | None]]] = {
    "dsn": _bare_dsn,
    "source": _bare_source,
    "source_or_path": _bare_source,
}
