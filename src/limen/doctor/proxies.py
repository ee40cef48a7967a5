"""What stands in front of the server, and who is believed; and how far the admin API is open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_network

from limen.core.findings import Finding, good, notice, trouble
from limen.doctor.patient import Patient

EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound


async def check(patient: Patient) -> Iterable[Finding]:
    return [*_known(patient)] or [good("Only proxies of yours are believed, and the admin API is not open to all.")]


def _known(patient: Patient) -> Iterator[Finding]:
    config = patient.loaded.config
    serve = config.serve
    for index, network in enumerate(config.limen.trusted_proxies):
        if ip_network(network).prefixlen == 0:
            told = (
                f"{patient.at('limen', 'trusted_proxies', index)} is everybody: anybody can pass for another address."
            )
            yield trouble(told, "Name the proxy's own address, as 10.1.2.3/32.")
    if serve.admin.host in EVERYWHERE:
        told = f"{patient.at('serve', 'admin', 'host')}: the admin API asks for no password and listens on every interface."
        yield notice(
            told, "Set `serve.admin.host: 127.0.0.1`, or let a firewall or the container's network close the port."
        )
    if (serve.admin.host, serve.admin.port) == (serve.public.host, serve.public.port):
        told = f"{patient.at('serve', 'admin', 'port')} is the public port too: the server cannot start."
        yield trouble(told, "Give each its own, as 4433 and 4434.")
    admin, public = serve.admin.base_url, serve.public.base_url
    if admin and public and admin.rstrip("/") == public.rstrip("/"):
        told = f"{patient.at('serve', 'admin', 'base_url')} is the public address: anybody could change accounts."
        yield trouble(told, "Give the admin API an address that only your own programs reach.")
