"""Buttons of providers: by the name people know, with a mark, and the one used last comes first.

The marks are small drawings of our own in the colours of each. They stand in the page itself, where those without a
colour take that of the text, in the light and in the dark; the policy of the page allows nothing from elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

from msgspec.structs import replace

from limen.core import messages, ui
from limen.core.messages import Message
from limen.core.ui import Node
from limen.flow.model import Flow
from limen.http.kit import Call
from limen.http.pages import cookie
from limen.http.pages.arrange import Form
from limen.project.model import Project
from limen.selfservice import linking
from limen.session.model import Session
from limen.social import provider
from limen.social.provider import Provider

COOKIE = "limen_provider"  # the id of a provider, and nothing about a person
MAX_AGE = 180 * 24 * 3600
_GROUPS = ("oidc", "saml")
_NAMES = ("provider", "link", "unlink")
_NEUTRAL = "neutral"
_NAMED = frozenset(
    declared.id
    for declared in (
        messages.SIGN_IN_WITH, messages.SIGN_UP_WITH, messages.CONFIRM_WITH, messages.LINK_PROVIDER, messages.UNLINK_PROVIDER,
    )
)  # fmt: skip


# --- names --------------------------------------------------------------------------------------------------------------


def with_names(project: Project, nodes: Sequence[Node]) -> list[Node]:
    """The nodes of a form, with every provider that has no label called by its brand. On the wire it has its id, which
    also tells two of one brand apart.
    """
    known = [provider.of(project, one) for one in project.config.selfservice.methods.oidc.config.providers]
    names = Counter(one.name for one in known)
    clear = {one.id: one for one in known if names[one.name] == 1}
    return [_named(clear, node) for node in nodes]


def _named(known: Mapping[str, Provider], node: Node) -> Node:
    label = node.meta.label
    found = known.get(node.value) if _is_button(node) and isinstance(node.value, str) else None
    if label is None or found is None:
        return node
    return replace(node, meta=ui.Meta(_with_provider(label, found.name)))


def _is_button(node: Node) -> bool:
    return node.group in _GROUPS and node.meta.label is not None and node.meta.label.id in _NAMED


def with_name(project: Project, flow: Flow, message: Message) -> Message:
    """The message of somebody who signs in to have a provider linked, with that provider's name."""
    found = provider.find(project, linking.waiting_for(flow))
    if message.id != messages.SIGN_IN_TO_LINK.id or found is None:
        return message
    return _with_provider(message, found.name)


def _with_provider(message: Message, name: str) -> Message:
    context = {**message.context, "provider": name}
    return replace(message, text=messages.render(messages.CATALOG[message.id].text, context), context=context)


# --- marks --------------------------------------------------------------------------------------------------------------


@cache
def marks() -> Mapping[str, str]:
    """The drawings, as elements to stand in a page."""
    folder = resources.files("limen.http.pages").joinpath("marks")
    own = 'class="mark" aria-hidden="true" focusable="false"'
    drawn = {file.name.removesuffix(".svg"): file.read_text("utf8").strip() for file in folder.iterdir()}
    return {name: svg.replace(' xmlns="http://www.w3.org/2000/svg"', f" {own}") for name, svg in drawn.items()}


def mark_of(kind: str) -> str:
    """The name of a kind's drawing; several kinds of one house share it."""
    house = kind.replace("_", "-").partition("-")[0]
    return house if house in marks() else _NEUTRAL


def adorn(project: Project, forms: Sequence[Form], last: str) -> None:
    """Give the buttons their marks, and let the one that was used last stand first and say so."""
    for form in forms:
        if form.group not in _GROUPS:
            continue
        buttons = [one for one in form.items if one.is_button and one.name in _NAMES]
        for one in buttons:
            found = provider.find(project, one.value)
            one.mark = mark_of(found.kind.id) if found else _NEUTRAL
            one.is_last_used = one.name == "provider" and one.value == last and not form.fields
        form.items.sort(key=lambda one: not one.is_last_used)


# --- the last one -------------------------------------------------------------------------------------------------------


def last_used(call: Call) -> str:
    """The id of the provider that this browser came from last; anything may be in a cookie, so it only compares."""
    return call.cookies.get(COOKIE, "")


def remembered(project: Project, session: Session) -> list[tuple[str, str]]:
    """The header that remembers the provider of this sign-in, where our own page asks again next time."""
    used = session.proofs[-1].provider if session.proofs else ""
    known = provider.find(project, used) if used else None
    if known is None or not project.has_own_page("login") or not cookie.can_be(known.id):
        return []
    return [cookie.header(project, COOKIE, known.id, MAX_AGE)]
