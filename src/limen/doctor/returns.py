"""Where people may be sent in the end: `return_to`, and the list of what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from limen.core.findings import Finding, good, notice, trouble
from limen.core.urls import Url
from limen.doctor.patient import Patient

ALLOWED: Final = ("selfservice", "allowed_return_urls")
DEFAULT: Final = ("selfservice", "default_browser_return_url")


async def check(patient: Patient) -> Iterable[Finding]:
    return [*_entries(patient), *_wanted(patient)] or [good("People may return to your pages.")]


def _entries(patient: Patient) -> Iterator[Finding]:
    for index, entry in enumerate(patient.loaded.config.selfservice.allowed_return_urls):
        url = Url.parse(entry)
        at = patient.at(*ALLOWED, index)
        if url is None or not url.host:
            yield trouble(f"{at} is {entry}, which no address can be under.", "Write it like https://app.example.org")
        elif "*" in url.path or "*" in url.query:
            bare = entry[: entry.index("*", entry.index("//"))]
            told = f"{at} is {entry}: in a path `*` means itself, so every `return_to` is refused."
            yield trouble(told, f"Write {bare}; whatever begins like that is allowed.")


def _wanted(patient: Patient) -> Iterator[Finding]:
    """Pages send people back to where they came from; these addresses are what they most often name."""
    allowed = patient.project.allowed_return_urls
    back = patient.loaded.config.selfservice.default_browser_return_url
    named = [(DEFAULT, back), *((page.path, page.url.geturl()) for page in patient.pages())]
    seen: set[str] = set()
    for path, address in named:
        url = Url.parse(address)
        if url is None or not url.host or any(url.is_under(entry) for entry in allowed):
            continue
        origin = f"{url.scheme}://{url.host}"
        if origin in seen:
            continue
        seen.add(origin)
        told = f"{patient.at(*path)} is {address}, which `allowed_return_urls` does not cover"
        entries = [entry for entry in allowed if entry.host == url.host]
        if any(entry.scheme == url.scheme and entry.path.rstrip("/") == url.path for entry in entries):
            yield trouble(f"{told}: an entry has one slash more.", f"Write {address} in the list, without the slash.")
        elif any(entry.scheme != url.scheme for entry in entries):
            other = next(entry.scheme for entry in entries if entry.scheme != url.scheme)
            yield trouble(f"{told}: the list has this host with {other}:// only.", f"Write {origin}")
        else:
            advice = f"Add {origin} to `selfservice.allowed_return_urls`."
            yield notice(f"{told}: a `return_to` there is refused.", advice)
