"""From the nodes of a flow to the forms of its page.

One form is the rule: what is typed once (an identifier, traits) serves every way to go on. Where nothing is shared that
is typed, each way has a form of its own, with a copy of the hidden nodes and boxes all need (the `default` group); so has single
sign-on, because the key Enter presses the first button of a form; and so have the sections of the settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from limen.core.ui import Anchor, Input, Node, Script
from limen.http.pages.items import Item, item
from limen.http.pages.words import Words

_SINGLE_SIGN_ON = ("oidc", "saml")
_LAST_RESORT = "lookup_secret"
LISTED = ("webauthn_remove", "passkey_remove")  # one button for each key there is

# Which way an error of the whole form speaks of: that way stays open.
_ABOUT = {
    4000008: "totp", 4000011: "totp", 4000012: "lookup_secret", 4000014: "lookup_secret", 4000016: "lookup_secret",
    4000013: "webauthn", 4000015: "webauthn", 4000043: "webauthn", 4010008: "code", 4000006: "password",
}  # fmt: skip


class Form(Struct, kw_only=True):
    """`folded`: shown only on demand, under its title. `follows_or`: stands after a line that says "or"."""

    group: str
    items: list[Item]
    hidden: list[Item]
    folded: bool = False
    follows_or: bool = False

    @property
    def is_sent(self) -> bool:
        return any(one.is_button for one in self.items)

    @property
    def goes_back(self) -> bool:
        return bool(self.items) and all(one.goes_back for one in self.items)

    @property
    def needs_account(self) -> bool:
        """A password manager wants to know whose password it is; here no other field says so."""
        types = {one.attributes.get("type") for one in self.fields}
        return "password" in types and not types & {"email", "text"}

    @property
    def fields(self) -> list[Item]:
        return [one for one in self.items if one.is_field]


def forms(
    kind: str, nodes: Sequence[Node], told: Iterable[int], words: Words, recent: Sequence[str] = ()
) -> list[Form]:
    """The forms of a page, in the order in which they are shown.

    :param told: the ids of the form's own messages
    :param recent: ways that were gone before, the last one first
    """
    groups: dict[str, list[Node]] = {}
    for node in nodes:
        if not isinstance(node.attributes, Script):
            groups.setdefault(node.group, []).append(node)
    shared = [n for group in groups if group == "default" or not _acts(groups[group]) for n in groups[group]]
    ways = {group: found for group, found in groups.items() if group != "default" and _acts(found)}
    hidden = [n for n in shared if _is_hidden(n)]
    typed = [n for n in shared if not _is_hidden(n)]
    if kind == "settings":
        return [_form(group, found, hidden, words) for group, found in ways.items()] + _rest(typed, hidden, words)
    if typed and len(ways) > 1 and all(_is_box(n) for n in typed):  # a choice that goes with each way
        ways = {group: [*found, *typed] for group, found in ways.items()}
        typed = []
    elsewhere = [g for g in ways if g in _SINGLE_SIGN_ON and all(n.is_submit for n in ways[g]) and len(ways) > 1]
    before = [_form(group, ways.pop(group), hidden, words) for group in elsewhere]
    main = _main(ways, told, recent)
    rank = {group: place for place, group in enumerate(recent)}
    order = sorted(ways, key=lambda g: (g != main, _goes_back(ways[g]), rank.get(g, len(rank)), g == _LAST_RESORT))
    is_one = bool(typed) or not order
    after = _together(order, ways, typed, hidden, words) if is_one else _apart(order, ways, hidden, words)
    for place, form in enumerate(after):
        form.follows_or = not form.goes_back and (place == 1 or (place == 0 and bool(before)))
    return before + after


def _acts(nodes: Iterable[Node]) -> bool:
    """Whether there is something to press."""
    return any(
        isinstance(n.attributes, Anchor)
        or (isinstance(n.attributes, Input) and n.attributes.type in ("submit", "button"))
        for n in nodes
    )


def _is_hidden(node: Node) -> bool:
    return isinstance(node.attributes, Input) and node.attributes.type == "hidden"


def _is_field(node: Node) -> bool:
    return isinstance(node.attributes, Input) and node.attributes.type not in ("hidden", "submit", "button")


def _is_box(node: Node) -> bool:
    return isinstance(node.attributes, Input) and node.attributes.type == "checkbox"


def _goes_back(nodes: Iterable[Node]) -> bool:
    buttons = [n for n in nodes if isinstance(n.attributes, Input) and n.attributes.type in ("submit", "button")]
    return bool(buttons) and all(n.id == "screen" for n in buttons)


def _main(ways: dict[str, list[Node]], told: Iterable[int], recent: Sequence[str]) -> str:
    """The way the page puts first: the one an error is about, else the last one gone, or with something to fill in."""
    about = {_ABOUT[id_] for id_ in told if id_ in _ABOUT}

    def rank(group: str) -> tuple[bool, ...]:
        nodes = ways[group]
        fields = [n for n in nodes if _is_field(n) and not _is_box(n)]
        return (
            any(n.messages for n in nodes),
            group in about and bool(fields),
            group in recent[:1],
            group != _LAST_RESORT,
            any(isinstance(n.attributes, Input) and n.attributes.required for n in fields),
            bool(fields),
            not _goes_back(nodes),
        )

    return max(ways, key=rank, default="")


def _form(group: str, nodes: Sequence[Node], hidden: Sequence[Node], words: Words) -> Form:
    drawn = [item(n, words) for n in nodes]
    own = {one.name for one in drawn if not one.is_button}
    return Form(
        group=group,
        items=_in_order([one for one in drawn if one.kind != "hidden"]),
        hidden=[one for one in (item(n, words) for n in hidden) if one.name not in own]
        + [one for one in drawn if one.kind == "hidden"],
    )


def _rest(typed: Sequence[Node], hidden: Sequence[Node], words: Words) -> list[Form]:
    """What belongs to no section is shown all the same."""
    return [_form("default", typed, hidden, words)] if typed else []


def _together(
    order: Sequence[str], ways: dict[str, list[Node]], typed: Sequence[Node], hidden: Sequence[Node], words: Words
) -> list[Form]:
    """One form: what is typed for all ways, then the main way, then the others."""
    main, *others = order or ("default",)
    form = _form(main, [*typed, *ways.get(main, ())], hidden, words)
    _promote(form.items)
    for n, group in enumerate(others):
        other = _form(group, ways[group], (), words)
        _tone_down(other.items)
        divider = [Item(kind="or")] if not n and not other.goes_back else []
        form.items += [*divider, *other.items]
        form.hidden += other.hidden
    return [form]


def _apart(order: Sequence[str], ways: dict[str, list[Node]], hidden: Sequence[Node], words: Words) -> list[Form]:
    """A form for each way. What has to be filled in is folded away, but for the main way."""
    main, *others = [_form(group, ways[group], hidden, words) for group in order]
    _promote(main.items)
    for form in others:
        form.folded = any(one.kind != "check" for one in form.fields)
        if not form.folded:
            _tone_down(form.items)
    return [main, *sorted(others, key=lambda form: (form.goes_back, form.folded))]


def _promote(items: Iterable[Item]) -> None:
    """There is one main button on a page: where no button says so itself, the first one is it."""
    buttons = [one for one in items if one.is_button and one.tone == "plain"]
    if buttons and not any(one.tone == "main" for one in items) and len(buttons) == 1:
        buttons[0].tone = "main"


def _in_order(items: list[Item]) -> list[Item]:
    """What is there already, what is read and filled in, the main button, then the others; the way back at the end."""

    def place(one: Item) -> int:
        if one.name in LISTED:
            return 0
        if not one.is_button:
            return 1
        return 5 if one.goes_back else {"main": 2, "plain": 3, "danger": 3, "quiet": 4}[one.tone]

    return sorted(items, key=place)


def _tone_down(items: Iterable[Item]) -> None:
    for one in items:
        if one.tone == "main":
            one.tone = "plain"
