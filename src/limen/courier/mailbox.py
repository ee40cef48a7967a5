"""The mailbox of development: where messages go when there is no mail server, to be read on our own pages.

Who can read it can get into every account, so it is open only in development, or where the server is nobody's but one's own.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from limen.core import urls
from limen.project.model import Project


def is_open(project: Project) -> bool:
    """Whether messages are shown on the pages."""
    return project.dev or is_only(project)


def is_only(project: Project) -> bool:
    """Whether the mailbox is where messages end: no mail server is configured, and the public address is this machine."""
    return not has_server(project) and (project.dev or _is_local(project.public_url))


def has_server(project: Project) -> bool:
    courier = project.config.courier
    return bool(courier.http.request_config.url if courier.delivery_strategy == "http" else courier.smtp.connection_uri)


def address(project: Project, message_id: str = "") -> str:
    """Where the mailbox, or one message in it, is read."""
    return urls.join(project.public_url, "/ui/mailbox" + (f"/{message_id}" if message_id else ""))


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
