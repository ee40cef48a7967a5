"""What browsers make of host names: which are this machine, and which belong to one site."""

from __future__ import annotations

from ipaddress import ip_address

from limen.core.configrules import is_shared_domain


def is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_local(host: str) -> bool:
    """Whether this is the browser's own machine."""
    if is_ip(host):
        return ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def is_inner(host: str) -> bool:
    """Whether only machines of one network can know this name: that of a container, a pod, a service."""
    if is_ip(host):
        return ip_address(host).is_unspecified
    if is_local(host):
        return False
    return "." not in host or host.endswith((".svc", ".cluster.local", ".internal"))


def site(host: str) -> str:
    """The domain that somebody registered, for which browsers take cookies: `id.example.org` → `example.org`."""
    if is_ip(host):
        return host
    labels = host.split(".")
    for count in range(2, len(labels) + 1):
        domain = ".".join(labels[-count:])
        if not is_shared_domain(domain):
            return domain
    return host


def covers(domain: str, host: str) -> bool:
    """Whether a cookie, or a key, of this domain is good at this host (RFC 6265 §5.1.3)."""
    domain = domain.lstrip(".").lower()
    return host == domain or (host.endswith(f".{domain}") and not is_ip(host))
