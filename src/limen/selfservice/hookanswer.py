"""What a web hook's answer does: the messages of one that refuses, the changes of one that is parsed."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from limen.context import Context
from limen.core.errors import FormError, Told
from limen.core.ids import new_id
from limen.core.messages import Message
from limen.core.outbound import Answer
from limen.identity.model import Identity, VerifiableAddress

T = TypeVar("T")


class Unreadable(Exception):
    """The answer is not what a web hook may say; the text is for the operator."""


# --- a refusal: {"messages": [{"instance_ptr": "#/traits/email", "messages": [{"id", "text", "type", "context"}]}]} -------


class _Detail(Struct):
    id: int | None = None
    text: str | None = None
    type: str | None = None
    context: Any = None


class _About(Struct):
    instance_ptr: str | None = None
    messages: list[_Detail] | None = None


class _Refusal(Struct):
    messages: list[_About] | None = None


def refusal(answer: Answer) -> FormError:
    """The messages, each on the node that its JSON pointer names, or on the form.

    :raises Unreadable: it holds no messages
    """
    found = _decoded(answer, _Refusal).messages
    if not found:
        raise Unreadable("it refuses without messages")
    told: list[Told] = []
    for about in found:
        told += [(_message(detail), _node(about.instance_ptr or "")) for detail in about.messages or ()]
    return FormError(*told)


def _message(detail: _Detail) -> Message:
    context = detail.context if isinstance(detail.context, dict) else {}
    return Message(detail.id or 0, detail.text or "", "error" if detail.type == "error" else "info", context)


def _node(pointer: str) -> str:
    """The node of a JSON pointer (RFC 6901): `#/traits/email` is `traits.email`, and `#/` the form itself."""
    if not pointer.startswith("#/"):
        return pointer
    steps = (step.replace("~1", "/").replace("~0", "~") for step in pointer.removeprefix("#/").split("/"))
    return ".".join(step.replace(".", "\\.") for step in steps)


# --- a change: {"identity": {…}} --------------------------------------------------------------------------------------------


class _Address(Struct):
    value: str | None = None
    via: str | None = None
    verified: bool | None = None
    status: str | None = None
    verified_at: str | None = None


class _Identity(Struct):
    traits: Any = UNSET
    schema_id: str | None = None
    state: str | None = None
    verifiable_addresses: list[_Address] | None = None
    recovery_addresses: list[_Address] | None = None  # read, and of no effect: the traits say what they are
    metadata_public: Any = UNSET
    metadata_admin: Any = UNSET
    external_id: str | UnsetType | None = UNSET


class _Change(Struct):
    identity: _Identity | None = None


def change(ctx: Context, answer: Answer, identity: Identity | None) -> Identity | None:
    """The person as the answer wants it; what it does not name stays. Neither id nor credentials can be changed.

    The traits are not checked here, and may be anything; addresses count only where the traits have them.

    :raises Unreadable: it is no JSON object, a field has the wrong type, or there is nobody to change
    """
    asked = _decoded(answer, _Change).identity
    if asked is None or asked == _Identity():
        return identity
    if identity is None:
        raise Unreadable("it changes a person, and there is none yet")
    more: dict[str, Any] = {}
    for name in ("traits", "metadata_public", "metadata_admin"):
        if (value := getattr(asked, name)) is not UNSET:
            more[name] = value
    if asked.schema_id:
        more["schema_id"] = asked.schema_id
    if asked.state and asked.state != identity.state:
        more |= {"state": "active" if asked.state == "active" else "inactive", "state_changed_at": ctx.stamp}
    if asked.verifiable_addresses:
        more["verifiable_addresses"] = tuple(_verifiable(ctx, a, identity) for a in asked.verifiable_addresses)
    if asked.external_id is not UNSET:
        more["external_id"] = asked.external_id or None
    return replace(identity, **more)


def _verifiable(ctx: Context, asked: _Address, identity: Identity) -> VerifiableAddress:
    value, via, verified = asked.value or "", asked.via or "", bool(asked.verified)
    old = next((a for a in identity.verifiable_addresses if (a.via, a.value) == (via, value)), None)
    return VerifiableAddress(
        id=old.id if old else new_id(),
        value=value,
        via=via,
        verified=verified,
        status=asked.status
        if asked.status in ("pending", "sent", "completed")
        else "completed"
        if verified
        else "pending",
        verified_at=(old.verified_at if old and old.verified_at else ctx.stamp) if verified else UNSET,
        created_at=old.created_at if old else ctx.stamp,
        updated_at=ctx.stamp,
    )


def _decoded(answer: Answer, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"its answer cannot be read: {error}") from error
