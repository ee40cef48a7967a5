"""The addresses people see: the server's own, and those of the pages that stand beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from limen.core.findings import Finding, good, notice, trouble
from limen.doctor.hosts import is_inner, is_local
from limen.doctor.patient import Patient, origin

PUBLIC = ("serve", "public", "base_url")


async def check(patient: Patient) -> Iterable[Finding]:
    found = [*_own(patient), *_pages(patient), *_return(patient)]
    return found or [good(f"People reach the server at {patient.project.public_url}.")]


def _own(patient: Patient) -> Iterator[Finding]:
    config, url = patient.loaded.config, patient.public
    host = url.hostname or ""
    at = patient.at(*PUBLIC)
    if config.serve.public.base_url is None:
        told = f"{at} is missing: people, and links in mails, are sent to {patient.project.public_url}."
        yield trouble(told, "Set it to the address browsers use, as `https://id.example.org/`.")
    elif is_inner(host):
        told = f"{at} is {patient.project.public_url}, and `{host}` is known to no browser: forms are sent nowhere."
        yield trouble(told, "Set it to the address browsers use; only programs beside the server use the inner name.")
    if url.scheme == "https" and config.dev and not is_local(host):
        yield notice(f"The server runs with --dev at {patient.project.public_url}.", "Leave --dev out in production.")
    if url.path.rstrip("/").endswith("/self-service"):
        told = f"{at} ends in /self-service, which comes twice in every address then."
        yield trouble(told, "Take it off: the paths begin after the base URL.")


def _pages(patient: Patient) -> Iterator[Finding]:
    public = patient.public
    base = public.hostname or ""
    told_of: set[str] = set()
    for page in patient.pages():
        at = patient.at(*page.path)
        if page.host in told_of:
            continue
        if is_local(page.host) and is_local(base) and page.host != base:
            told_of.add(page.host)
            told = f"{at} is at {page.host}, the server at {base}: to a browser these are two hosts, so cookies do not fit."
            yield trouble(told, f"Write {base} everywhere, also in the address bar, or {page.host} everywhere.")
        elif is_inner(page.host):
            told_of.add(page.host)
            told = f"{at} is {page.url.geturl()}, and `{page.host}` is known to no browser."
            yield trouble(told, "Write the address browsers use.")
        elif page.url.scheme == "https" and public.scheme == "http" and not is_local(base):
            told_of.add(page.host)
            told = (
                f"{at} is https, the server {origin(public)}: browsers block calls from a safe page to an unsafe one."
            )
            yield trouble(told, "Serve both over HTTPS: `serve.public.base_url` and the proxy, or `serve.public.tls`.")
        elif page.origin == origin(public) and page.url.path.startswith(f"{public.path.rstrip('/')}/self-service"):
            told = f"{at} leads to the API itself, which leads there again: browsers go in circles."
            yield trouble(told, "Name the page that shows the form, or leave the key out: Limen has pages of its own.")


def _return(patient: Patient) -> Iterator[Finding]:
    config = patient.loaded.config
    back = config.selfservice.default_browser_return_url
    if back.rstrip("/") == (config.selfservice.flows.login.ui_url or "").rstrip("/") != "":
        at = patient.at("selfservice", "default_browser_return_url")
        told = f"{at} is the page of the sign-in: whoever has signed in is sent to sign in."
        yield trouble(told, "Name the page people should see then.")
