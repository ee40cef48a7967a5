"""The mailbox of development: the messages this server sends, to be read in the browser. Nobody else ever sees it.

A mail is somebody else's HTML: it is shown in a frame that runs no script, fetches nothing but pictures, and belongs to
no origin.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct

from limen.core import urls
from limen.core.errors import ApiError
from limen.core.ids import parse_id
from limen.courier import mailbox, render, store
from limen.courier.model import Message, Rendered, Undelivered
from limen.http.kit import Answer, Call
from limen.http.pages import draw, words

SHOWN = 50  # messages, the newest ones
_FOREVER = "9999-12-31T23:59:59.999999Z"
# What the mail's own frame may do: be looked at, and open its links elsewhere.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


class Line(Struct, frozen=True):
    """A message as the list shows it."""

    id: str
    to: str
    says: str
    stamp: str
    since: str
    status: str


async def index(call: Call) -> Answer:
    """`GET /ui/mailbox`"""
    check(call)
    t = words.pick(call)
    found = await store.page(call.ctx.db, _FOREVER, "", SHOWN)
    lines = []
    for message in found:
        rendered = await _words(call, message)
        says = rendered.subject or rendered.text.partition("\n")[0]
        since = t.ago(message.created_at, call.ctx.now)
        lines.append(Line(message.id, message.recipient, says, message.created_at, since, _status(t, message)))
    return draw.page(call, "mailbox", {"lines": lines, "only": mailbox.is_only(call.site.project)})


async def show(call: Call) -> Answer:
    """`GET /ui/mailbox/{id}`"""
    message = await _must(call)
    t = words.pick(call)
    rendered = await _words(call, message)
    values = {
        "message": message,
        "rendered": rendered,
        "since": t.ago(message.created_at, call.ctx.now),
        "status": _status(t, message),
        "frame": urls.join(call.site.project.public_url, f"/ui/mailbox/{message.id}/html") if rendered.html else "",
    }
    return draw.page(call, "mail", values, frames=True)


async def html(call: Call) -> Answer:
    """`GET /ui/mailbox/{id}/html`: the mail itself, for the frame."""
    rendered = await _words(call, await _must(call))
    body = '<base target="_blank">' + rendered.html if rendered.html else ""
    headers = [
        ("content-type", draw.HTML), ("content-security-policy", _POLICY), ("x-content-type-options", "nosniff"),
        ("x-frame-options", "SAMEORIGIN"), ("referrer-policy", "no-referrer"),
    ]  # fmt: skip
    return Answer(200, body.encode(), headers)


def check(call: Call) -> None:
    """:raises ApiError: 404, the mailbox is closed, or is asked for by a name that is not ours

    A page elsewhere can point a name of its own at this machine (DNS rebinding) and would then read along.
    """
    project = call.site.project
    if not mailbox.is_open(project) or not _is_ours(call.host, project.public_url):
        raise ApiError(404)


def _is_ours(name: str, public_url: str) -> bool:
    if name in ("localhost", urlsplit(public_url).hostname) or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


async def _must(call: Call) -> Message:
    check(call)
    id_ = parse_id(call.params["id"])
    found = await store.by_id(call.ctx.db, id_) if id_ else None
    if found is None:
        raise ApiError(404)
    return found


async def _words(call: Call, message: Message) -> Rendered:
    """The words of a message; where they cannot be made, why."""
    try:
        return await render.render(call.site.project, call.ctx.db, call.site.outbound, message)
    except Undelivered as error:
        return Rendered(message.template, str(error), "")


def _status(t: words.Words, message: Message) -> str:
    return t(f"page.mailbox.{message.status}")
