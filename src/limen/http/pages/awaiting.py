"""A form that waits for a message, as a page shows it: nobody is asked again where it went, or sends it twice in a hurry.

The API keeps Kratos' forms: after a link was sent they still ask for the address, and some of their buttons stand twice or
send what nobody reads (`methods/link`, `methods/code/verify`).
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from limen.core import clock, ui
from limen.core.messages import RESEND_CODE, SEND_LINK_AGAIN
from limen.core.ui import Input, Node
from limen.flow.model import Flow

PAUSE: Final = 30  # seconds until a page offers to send a message again: most arrive in that time
_LINK: Final = "link"
_ADDRESSES: Final = ("email", "sms")


def code(flow: Flow) -> bool:
    """Whether the code of a message is asked for."""
    return any(n.id == "code" and n.group == "code" for n in flow.ui.nodes)


def link(flow: Flow) -> bool:
    """Whether a link is on its way."""
    return flow.state == "sent_email" and not code(flow)


def nodes(flow: Flow) -> list[Node]:
    """The nodes of a form, made fit for the page."""
    if link(flow) and (address := _address(flow.ui.nodes)):
        kept = [n for n in flow.ui.nodes if n.group == "default"]
        return [*kept, ui.hidden("email", address, _LINK), ui.submit("method", _LINK, _LINK, SEND_LINK_AGAIN())]
    return [_mended(n) for n in flow.ui.nodes]


def _address(found: list[Node]) -> str:
    """Where the link went; nothing when that cannot be read from the form, or is what has to be mended."""
    if any(n.messages for n in found):
        return ""
    return next((str(n.value) for n in found if n.id in _ADDRESSES and n.value), "")


def _mended(node: Node) -> Node:
    """The button that sends another code to a phone has a name that is not read."""
    label = node.meta.label
    if not isinstance(node.attributes, Input) or node.id != "sms" or label is None or label.id != RESEND_CODE.id:
        return node
    return replace(node, attributes=replace(node.attributes, name="email"))


def pause(flow: Flow, now: datetime) -> int:
    """Seconds until the message may be asked for once more; none after a mistake, as it has arrived then."""
    if not (code(flow) or link(flow)):
        return 0
    if any(m.type == "error" for told in (flow.ui.messages, *(n.messages for n in flow.ui.nodes)) for m in told):
        return 0
    passed = (now - clock.parse(flow.updated_at)).total_seconds()
    return max(0, math.ceil(PAUSE - passed))
