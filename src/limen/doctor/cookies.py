"""Cookies: whether browsers keep what is set, and send it back to where it is needed (RFC 6265, 6265bis)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from limen.core.findings import Finding, good, notice, trouble
from limen.doctor.hosts import covers, is_ip, is_local, site
from limen.doctor.patient import Patient, origin

SHARED, SESSION = ("cookies",), ("session", "cookie")


async def check(patient: Patient) -> Iterable[Finding]:
    return [*_domains(patient), *_secure(patient), *_pages(patient), *_names(patient)] or [
        good("Browsers keep the cookies and send them back.")
    ]


def _domains(patient: Patient) -> Iterator[Finding]:
    config = patient.loaded.config
    host = patient.public.hostname or ""
    for where, domain in ((SHARED, config.cookies.domain), (SESSION, config.session.cookie.domain)):
        if domain and not covers(domain, host):
            told = f"{patient.at(*where, 'domain')} is {domain}, but the server is {host}: browsers drop its cookies."
            yield trouble(
                told, f"Write {site(host)}, or leave the key out." if not is_ip(host) else "Leave the key out."
            )
        elif domain and domain.lstrip(".") != site(domain.lstrip(".")) and domain.lstrip(".") == host:
            continue
    path = config.cookies.path
    base = patient.public.path or "/"
    if path != "/" and not (base.rstrip("/") + "/").startswith(path.rstrip("/") + "/"):
        told = f"{patient.at(*SHARED, 'path')} is {path}, but the server is under {base}: browsers do not send the cookies."
        yield trouble(told, f"Write {base}, or leave the key out.")
    session, shared = config.session.cookie.domain, config.cookies.domain
    siblings = [page for page in patient.elsewhere() if session and covers(session, page.host)]
    if siblings and not shared:
        told = (
            f"{patient.at(*SESSION, 'domain')} is {session}, `cookies.domain` is not set: pages at {siblings[0].host} "
        )
        yield trouble(
            f"{told}get the session's cookie, but not the one that protects forms.",
            f"Set `cookies.domain: {session}` too.",
        )


def _secure(patient: Patient) -> Iterator[Finding]:
    config, url = patient.loaded.config, patient.public
    for where, own, same_site in (
        (SHARED, config.cookies.secure, config.cookies.same_site),
        (SESSION, config.session.cookie.secure, config.session.cookie.same_site or config.cookies.same_site),
    ):
        secure = own if own is not None else not config.dev
        if secure and url.scheme == "http":
            if is_local(url.hostname or ""):
                told = "Cookies are for HTTPS only: Safari drops them at http://, also on this machine."
                yield notice(told, "Start with `--dev` on your own machine.")
            else:
                told = f"The server is at {origin(url)}, and its cookies are for HTTPS only: browsers drop them."
                yield trouble(
                    told, "Serve HTTPS and write `https://` into `serve.public.base_url`; `--dev` is for tests."
                )
            return
        if not secure and same_site == "None":
            told = f"{patient.at(*where, 'same_site')} is None, and the cookies are not `Secure`: browsers drop them."
            yield trouble(told, "`None` needs HTTPS: leave `--dev` and `secure: false` out, or write Lax.")
            return
        if not secure and url.scheme == "https":
            told = f"{patient.at(*where, 'secure')} is off, so cookies also travel without HTTPS."
            yield notice(told, "Leave `--dev` and `secure: false` out.")
            return


def _pages(patient: Patient) -> Iterator[Finding]:
    config = patient.loaded.config
    host = patient.public.hostname or ""
    for page in patient.elsewhere():
        if page.host == host or (is_local(page.host) and is_local(host)):
            continue
        at = patient.at(*page.path)
        if site(page.host) != site(host):
            if (config.session.cookie.same_site or config.cookies.same_site) != "None":
                told = f"{at} is at {page.host}, another site than {host}: its calls carry no cookies."
                yield trouble(told, "Put both under one domain, or write `cookies.same_site: None` and serve HTTPS.")
        elif not config.cookies.domain and not is_ip(host):
            told = f"{at} is at {page.host}: a page that is made on a server there does not see the cookies of {host}."
            yield notice(told, f"Set `cookies.domain: {site(host)}`; pages that call from the browser need nothing.")


def _names(patient: Patient) -> Iterator[Finding]:
    config = patient.loaded.config
    name, domain = config.session.cookie.name, config.session.cookie.domain or config.cookies.domain
    path = config.session.cookie.path or config.cookies.path
    if name.startswith("__Host-") and (domain or path != "/"):
        told = f"{patient.at(*SESSION, 'name')} begins with __Host-, which allows neither a domain nor a path."
        yield trouble(told, "Leave domain and path out, or write __Secure- instead.")
