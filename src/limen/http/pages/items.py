"""One node of a form as the template draws it: its words, and the attributes that help a browser and a keyboard."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from limen.core.messages import RESEND_CODE, SEND_LINK_AGAIN, Message
from limen.core.ui import Anchor, Division, Image, Input, Node, Text
from limen.core.urls import Url
from limen.http.pages.words import Words

# What a trait is, by the last part of its name (WCAG 1.3.5; HTML, "autofill field").
_AUTOFILL = {
    "email": "email", "phone": "tel", "username": "username", "name": "name", "first": "given-name", "firstname": "given-name",
    "givenname": "given-name", "last": "family-name", "lastname": "family-name", "familyname": "family-name",
    "nickname": "nickname", "street": "street-address", "city": "address-level2", "zip": "postal-code",
    "postalcode": "postal-code", "country": "country-name", "company": "organization", "website": "url",
}  # fmt: skip
_CODES = ("code", "totp_code", "lookup_secret")
_DANGER = ("unlink", "totp_unlink", "lookup_secret_disable", "webauthn_remove", "passkey_remove")
_MAIN = ("method", "lookup_secret_confirm")
_SEND_AGAIN = (RESEND_CODE.id, SEND_LINK_AGAIN.id)
_CALL = re.compile(r"window\.(\w+)\(")

ALERT = "alert"  # the id of the form's own error
Attributes = dict[str, str | bool]


class Item(Struct, kw_only=True):
    """`kind` names the macro that draws it. `tone` of a button: main, plain, danger or quiet.

    Mutable, as a page decides about the tone of buttons and the focus only when it knows all items.
    """

    kind: str
    name: str = ""
    id: str = ""
    label: str = ""
    value: str = ""
    errors: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    attributes: Attributes = {}
    options: tuple[tuple[str, str, bool], ...] = ()
    optional: bool = False
    tone: str = "plain"
    goes_back: bool = False
    sends_again: bool = False
    told_by_alert: bool = False  # the form's error is read out with this field
    mark: str = ""  # a provider's drawing
    is_last_used: bool = False  # of the providers, the one this browser came from last
    codes: tuple[tuple[str, bool], ...] = ()  # backup codes, each with whether it can still be used
    title: str = ""  # of something that can be taken away: its name
    facts: tuple[str, ...] = ()
    warning: str = ""  # what taking it away means

    @property
    def is_field(self) -> bool:
        return self.kind in ("field", "select", "check")

    @property
    def is_button(self) -> bool:
        return self.kind in ("button", "trigger", "removal")

    @property
    def describes(self) -> str:
        """The ids of what is said about a field."""
        said = {f"{self.id}-error": self.errors, f"{self.id}-hint": self.hints, ALERT: self.told_by_alert}
        return " ".join(id_ for id_, there in said.items() if there)


def item(node: Node, words: Words) -> Item:
    said = _said(node, words)
    match node.attributes:
        case Input() as input_:
            return _input(node, input_, said, words)
        case Text() as text:
            return _text(text, said, words)
        case Image() as image:
            size: Attributes = {"width": str(image.width), "height": str(image.height)}
            return Item(kind="image", name=image.id, value=image.src, attributes=size, **said)
        case Anchor() as anchor:
            label = said["label"] or words.message(anchor.title)
            return Item(
                kind="link", name=anchor.id, value=_leading(anchor.href), tone="main", **said | {"label": label}
            )
        case Division() as div:
            data: Attributes = {"class": div.class_, **{f"data-{name}": value for name, value in div.data.items()}}
            return Item(kind="div", name=div.id, attributes=data, **said)
        case script:
            return Item(
                kind="script", name=script.id, value=script.src, attributes={"integrity": script.integrity}, **said
            )


def _leading(address: str) -> str:
    """An address a link may have; empty for what would run something instead of leading somewhere."""
    url = Url.parse(address)
    return address if url and url.scheme not in ("javascript", "data", "vbscript") else ""


def _said(node: Node, words: Words) -> dict[str, Any]:
    errors = tuple(words.message(m) for m in node.messages if m.type == "error")
    hints = tuple(words.message(m) for m in node.messages if m.type != "error")
    return {"label": words.message(node.meta.label) if node.meta.label else "", "errors": errors, "hints": hints}


def _input(node: Node, input_: Input, said: dict[str, Any], words: Words) -> Item:
    match input_.type:
        case "hidden":
            data: Attributes = {"data-onload": input_.onloadTrigger} if input_.onloadTrigger else {}
            return Item(kind="hidden", name=input_.name, value=shown(node.value), attributes=data, **said)
        case "submit":
            return _submit(node, input_, said, words)
        case "button":
            return _trigger(node, input_, said, words)
    label = said["label"] or _from_name(input_.name)
    optional = input_.name.startswith("traits") and not input_.required and not input_.disabled
    common = {**said, "name": input_.name, "label": label, "value": shown(node.value)}
    attributes: Attributes = {"required": input_.required, "disabled": input_.disabled}
    if input_.options:
        options = tuple((o, o, o == shown(node.value)) for o in (shown(option.value) for option in input_.options))
        return Item(kind="select", attributes=attributes, options=options, optional=optional, **common)
    if input_.type == "checkbox":
        return Item(kind="check", attributes=attributes | {"checked": node.value is True}, **common)
    if input_.type == _MOMENT:
        # Browsers send no time zone, which RFC 3339 wants: a script adds it, without one the zone is typed.
        common["hints"] = (*common["hints"], words("field.moment_hint"))
        attributes["data-moment"] = True
    return Item(kind="field", attributes=attributes | _typing(node, input_), optional=optional, **common)


def _submit(node: Node, input_: Input, said: dict[str, Any], words: Words) -> Item:
    goes_back = input_.name == "screen"
    sends_again = input_.name == "resend" or (node.meta.label is not None and node.meta.label.id in _SEND_AGAIN)
    tone = "plain"
    if input_.name in _DANGER:
        tone = "danger"
    elif goes_back or sends_again:
        tone = "quiet"
    elif input_.name in _MAIN:
        tone = "main"
    label = said["label"] or words("common.continue")
    attributes: Attributes = {"disabled": input_.disabled}
    common = {**said, "label": label, "name": input_.name, "value": shown(node.value)}
    return Item(kind="button", tone=tone, goes_back=goes_back, sends_again=sends_again, attributes=attributes, **common)


def _trigger(node: Node, input_: Input, said: dict[str, Any], words: Words) -> Item:
    """A button that needs a script: which function, is all the page says about it."""
    found = _CALL.search(input_.onclick)
    data: Attributes = {"data-trigger": input_.onclickTrigger or (found[1] if found else "")}
    if input_.name == "webauthn_register_trigger":  # the server wants a name, and a key is not made twice
        data["data-needs"] = "webauthn_register_displayname"
    label = said["label"] or words("common.continue")
    return Item(kind="trigger", name=input_.name, value=shown(node.value), attributes=data, **said | {"label": label})


def _typing(node: Node, input_: Input) -> Attributes:
    """How a field is typed into: kind of keyboard, autofill, no corrections where letters count."""
    type_ = input_.type if input_.type in _PLAIN_TYPES and input_.type != _MOMENT else "text"
    found: Attributes = {"type": type_, "autocomplete": input_.autocomplete or _autofill(input_)}
    if input_.pattern:
        found["pattern"] = input_.pattern
    if input_.maxlength:
        found["maxlength"] = str(input_.maxlength)
    if type_ == "number":
        found |= {"step": "any", "inputmode": "decimal"}
    if input_.name in ("code", "totp_code"):
        found["inputmode"] = "numeric"
    elif input_.name == "identifier":
        found["inputmode"] = _identifier_mode(node.meta.label)
    if input_.name in (*_CODES, "identifier") or type_ in ("email", "password", "url"):
        found |= {"autocapitalize": "none", "spellcheck": "false", "autocorrect": "off"}
    return found


_MOMENT = "datetime-local"
_PLAIN_TYPES = ("text", "password", "number", "email", "tel", "datetime-local", "date", "url")


def _identifier_mode(label: Message | None) -> str:
    """The keyboard for the one trait that people sign in with, when there is only one."""
    name = str(label.context.get("name", "")).rpartition(".")[2].lower() if label else ""
    return "email" if "mail" in name else "tel" if "phone" in name else "text"


def _autofill(input_: Input) -> str:
    if input_.name in _CODES:
        return "one-time-code" if input_.name != "lookup_secret" else "off"
    if input_.name == "identifier":
        return "username"
    if input_.name == "webauthn_register_displayname":
        return "off"
    last = input_.name.rpartition(".")[2].lower().replace("_", "").replace("-", "")
    return {"email": "email", "tel": "tel", "url": "url"}.get(input_.type, "") or _AUTOFILL.get(last, "")


def _text(text: Text, said: dict[str, Any], words: Words) -> Item:
    """A text to read; secrets among them are shown so that they can be copied."""
    context = text.text.context
    if isinstance(codes := context.get("secrets"), list):
        messages = msgspec.convert(codes, list[Message])
        listed = tuple((words.message(m), "used_at" not in m.context) for m in messages)
        return Item(kind="codes", name=text.id, codes=listed, value="\n".join(c for c, good in listed if good), **said)
    kind = "secret" if isinstance(context.get("secret"), str) else "text"
    return Item(kind=kind, name=text.id, value=words.message(text.text), **said)


def shown(value: Any) -> str:
    """A value as a form sends it back."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _from_name(name: str) -> str:
    """Words for a field that nobody gave a title: `traits.home_town` is "Home town"."""
    last = name.rpartition(".")[2].replace("_", " ").replace("-", " ").strip()
    return last[:1].upper() + last[1:] if last else name
