"""HTTPS: the certificates of both ports, if the server speaks it itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509

from limen.core.configserver import AdminServer
from limen.core.findings import Finding, good, notice, trouble
from limen.doctor.patient import Patient
from limen.listen import StartError, certificate_of, listeners

SOON: Final = 14  # days before the end of a certificate


async def check(patient: Patient) -> Iterable[Finding]:
    config = patient.loaded.config
    try:
        listeners(config)
    except StartError as error:
        return [trouble(str(error), "Key and certificate are PEM files that belong together, and this user may read.")]
    found: list[Finding] = []
    for name, port in (("public", config.serve.public), ("admin", config.serve.admin)):
        found += _port(patient, name, port)
    return found


def _port(patient: Patient, name: str, port: AdminServer) -> Iterator[Finding]:
    base = urlsplit(port.base_url or "")
    at = patient.at("serve", name, "tls")
    if not (port.tls and port.tls.cert):
        return
    if base.scheme == "http":
        told = f"{at} is set, but the base URL is {port.base_url}: browsers are sent to a port that speaks HTTPS only."
        yield trouble(told, f"Write https:// in `serve.{name}.base_url`.")
    certificate = x509.load_pem_x509_certificates(certificate_of(port.tls.cert))[0]
    ends = certificate.not_valid_after_utc
    days = (ends - patient.now).days
    if days < 0:
        yield trouble(f"{at}: the certificate ended on {ends:%Y-%m-%d}.", _renew(port))
    elif days < SOON:
        yield notice(f"{at}: the certificate ends on {ends:%Y-%m-%d}.", _renew(port))
    elif certificate.not_valid_before_utc > patient.now:
        told = f"{at}: the certificate begins only on {certificate.not_valid_before_utc:%Y-%m-%d}."
        yield trouble(told, "Check this machine's clock.")
    else:
        yield good(f"{at}: the certificate is good until {ends:%Y-%m-%d}.")
    names = _names(certificate)
    if base.hostname and not any(_fits(known, base.hostname) for known in names):
        told = f"{at}: the certificate is for {', '.join(names) or 'nobody'}, the server is {base.hostname}."
        yield trouble(told, f"Get one for {base.hostname}.")


def _renew(port: AdminServer) -> str:
    file = port.tls.cert.path if port.tls and port.tls.cert else None
    return f"Renew {Path(file)}; it is read again without a restart." if file else "Renew it, and start again."


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]


def _fits(known: str, host: str) -> bool:
    """RFC 9525 §6.3: a wildcard stands for one label."""
    if known.startswith("*."):
        return host.partition(".")[2].lower() == known[2:].lower()
    return known.lower() == host.lower()
