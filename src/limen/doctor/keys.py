"""Security keys and passkeys: bound to a domain, which has to be that of the pages (WebAuthn Level 3 §5.1.3, §13.4.9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from limen.core.configmethods import PasskeyRp, WebauthnRp
from limen.core.findings import Finding, good, trouble
from limen.doctor.hosts import covers, is_ip, is_local, site
from limen.doctor.patient import Page, Patient, origin

KINDS = ("login", "registration", "settings")


async def check(patient: Patient) -> Iterable[Finding]:
    found: list[Finding] = []
    methods = patient.loaded.config.selfservice.methods
    for name, method in (("webauthn", methods.webauthn), ("passkey", methods.passkey)):
        if method.enabled and method.config and method.config.rp:
            where = ("selfservice", "methods", name, "config", "rp")
            found += [*_known(patient, where, method.config.rp)] or [
                good(f"Keys ({name}) are for {method.config.rp.id}.")
            ]
    return found


def _known(patient: Patient, where: tuple[str, ...], rp: WebauthnRp | PasskeyRp) -> Iterator[Finding]:
    at = patient.at(*where, "id")
    pages = _pages(patient)
    host = pages[0].host
    if is_ip(rp.id) or any(sign in rp.id for sign in ":/"):
        right = "localhost" if is_ip(rp.id) and is_local(rp.id) else site(host) if not is_ip(host) else "a domain"
        told = f"{at} is {rp.id}: browsers make keys for a domain only, without scheme and port."
        yield trouble(told, f"Write {right}, and open the pages there.")
        return
    listed = (
        rp.origins if rp.origins is not None else ((rp.origin,) if isinstance(rp, WebauthnRp) and rp.origin else ())
    )
    for page in pages:
        if not covers(rp.id, page.host):
            told = f"{at} is {rp.id}, but the page with the key's button is at {page.host}: the browser refuses."
            if is_ip(page.host):
                name = f"http://localhost:{page.url.port or 80}/" if is_local(page.host) else "https://id.example.org/"
                yield trouble(told, f"Browsers make no key at an address: open the pages under a name, as {name}")
            else:
                yield trouble(told, f"Write {site(page.host)}, or another ending of {page.host}.")
        elif page.url.scheme == "http" and not is_local(page.host):
            told = f"{page.origin} is not HTTPS: browsers offer keys on safe pages only."
            yield trouble(told, "Serve the page over HTTPS.")
        elif listed and page.origin.lower() not in {one.lower().rstrip("/") for one in listed}:
            told = (
                f"{patient.at(*where, 'origins')} does not list {page.origin}, where the page is: keys from there fail."
            )
            yield trouble(told, f"Add {page.origin}, as it stands in the browser: scheme, host and port, no path.")


def _pages(patient: Patient) -> list[Page]:
    """The pages with a button for keys, one for each origin; our own where there are no others."""
    found: dict[str, Page] = {}
    flows = patient.loaded.config.selfservice.flows
    for kind in KINDS:
        url = urlsplit(getattr(flows, kind).ui_url or patient.project.public_url)
        page = Page(("selfservice", "flows", kind, "ui_url"), url if url.hostname else patient.public)
        found.setdefault(origin(page.url), page)
    return list(found.values())
