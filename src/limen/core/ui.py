"""Forms as data: nodes, their attributes, and the `Ui` that a flow shows. Shapes are Kratos'; words come from messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from limen.core.messages import Message

InputType = Literal[
    "text", "password", "number", "checkbox", "hidden", "email", "tel", "submit", "button", "datetime-local", "date", "url"
]  # fmt: skip


class _Attributes(Struct, frozen=True, omit_defaults=True, tag_field="node_type"):
    """What all kinds of attributes share: the wire calls the tag `node_type`."""

    @property
    def id(self) -> str:
        raise NotImplementedError


class Option(Struct, frozen=True):
    value: Any


class Input(_Attributes, frozen=True, omit_defaults=True, tag="input"):
    """A field or a button. `value` is left out only when it was never set; an empty text is sent."""

    name: str
    type: str
    disabled: bool
    value: Any | UnsetType = UNSET
    required: bool = False
    autocomplete: str = ""
    pattern: str = ""
    onclick: str = ""
    onclickTrigger: str = ""  # noqa: N815 - the wire's name
    onload: str = ""
    onloadTrigger: str = ""  # noqa: N815 - the wire's name
    maxlength: int = 0
    options: tuple[Option, ...] = ()

    @property
    def id(self) -> str:
        return self.name


class Text(_Attributes, frozen=True, omit_defaults=True, tag="text"):
    text: Message
    id_: str = msgspec.field(name="id")

    @property
    def id(self) -> str:
        return self.id_


class Image(_Attributes, frozen=True, omit_defaults=True, tag="img"):
    src: str
    id_: str = msgspec.field(name="id")
    width: int
    height: int

    @property
    def id(self) -> str:
        return self.id_


class Anchor(_Attributes, frozen=True, omit_defaults=True, tag="a"):
    href: str
    title: Message
    id_: str = msgspec.field(name="id")

    @property
    def id(self) -> str:
        return self.id_


class Script(_Attributes, frozen=True, omit_defaults=False, tag="script"):
    src: str
    integrity: str
    id_: str = msgspec.field(name="id")
    nonce: str
    async_: bool = msgspec.field(name="async", default=True)
    referrerpolicy: str = "no-referrer"
    crossorigin: str = "anonymous"
    type: str = "text/javascript"

    @property
    def id(self) -> str:
        return self.id_


class Division(_Attributes, frozen=True, omit_defaults=True, tag="div"):
    id_: str = msgspec.field(name="id")
    class_: str = msgspec.field(name="class", default="")
    data: dict[str, str] = {}

    @property
    def id(self) -> str:
        return self.id_


Attributes = Input | Text | Image | Anchor | Script | Division


class Meta(Struct, frozen=True, omit_defaults=True):
    label: Message | None = None


class Node(Struct, frozen=True):
    type: str
    group: str
    attributes: Attributes
    messages: tuple[Message, ...]
    meta: Meta

    @property
    def id(self) -> str:
        """The name of an input, the id of everything else."""
        return self.attributes.id

    @property
    def value(self) -> Any:
        """An input's value; None for what has none."""
        value = self.attributes.value if isinstance(self.attributes, Input) else None
        return None if value is UNSET else value

    @property
    def is_submit(self) -> bool:
        return isinstance(self.attributes, Input) and self.attributes.type == "submit"

    def with_value(self, value: Any) -> Node:
        if not isinstance(self.attributes, Input):
            return self
        return replace(self, attributes=replace(self.attributes, value=UNSET if value is None else value))

    def hide(self) -> Node:
        """The same input, of type hidden."""
        if not isinstance(self.attributes, Input):
            return self
        return replace(self, attributes=replace(self.attributes, type="hidden"))


_NO_LABEL = Meta()


def field(name: str, kind: InputType, group: str, *, label: Message | None = None, **attributes: Any) -> Node:
    """Any input. `attributes` are those of `Input`; `disabled` is false unless said otherwise."""
    attributes.setdefault("disabled", False)
    return Node("input", group, Input(name=name, type=kind, **attributes), (), Meta(label) if label else _NO_LABEL)


def text(name: str, group: str, label: Message | None = None, **attributes: Any) -> Node:
    return field(name, "text", group, label=label, **attributes)


def password(name: str, group: str, label: Message, autocomplete: str) -> Node:
    return field(name, "password", group, label=label, required=True, autocomplete=autocomplete)


def hidden(name: str, value: Any, group: str, **attributes: Any) -> Node:
    return field(name, "hidden", group, value=value, **attributes)


def submit(name: str, value: Any, group: str, label: Message | None = None, **attributes: Any) -> Node:
    return field(name, "submit", group, label=label, value=value, **attributes)


def note(id_: str, message: Message, group: str, label: Message | None = None) -> Node:
    """A text shown to the person, such as a secret key."""
    return Node("text", group, Text(text=message, id_=id_), (), Meta(label) if label else _NO_LABEL)


def image(id_: str, src: str, group: str, label: Message, size: int) -> Node:
    return Node("img", group, Image(src=src, id_=id_, width=size, height=size), (), Meta(label))


def anchor(id_: str, href: str, group: str, title: Message) -> Node:
    return Node("a", group, Anchor(href=href, title=title, id_=id_), (), Meta(title))


CSRF_FIELD = "csrf_token"
CSRF_NODE = hidden(CSRF_FIELD, "", "default", required=True)


def from_json(name: str, value: Any, group: str) -> Node:
    """An input for a value nobody declared: its type is guessed from the value, as Kratos guesses."""
    kind: InputType = "text"
    if name == "password":
        kind = "password"
    elif isinstance(value, bool):
        kind = "checkbox"
    elif isinstance(value, int | float):
        kind = "number"
    return field(name, kind, group, value=UNSET if value is None else value)


def flatten(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a JSON document under dotted names: `{"a": {"b": [1]}}` gives `("a.b.0", 1)`."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            name = str(key).replace(".", "\\.")
            yield from flatten(inner, f"{prefix}.{name}" if prefix else name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from flatten(inner, f"{prefix}.{index}" if prefix else str(index))
    elif prefix:
        yield prefix, value


class Order(Struct, frozen=True):
    """How a form is sorted: groups first (one not listed comes before all), then keys, which match as prefixes."""

    groups: tuple[str, ...]
    keys: tuple[str, ...]


MAX_NODES = 500  # what a form grows to with fields nobody declared, sent again and again


class Ui(Struct, omit_defaults=True):
    """A form under construction: the one thing here that changes. It belongs to a single request until it is stored."""

    nodes: list[Node]
    messages: list[Message] = []
    action: str = ""  # empty: the flow's own address, which is known when it is sent
    method: str = "POST"

    def copy(self) -> Ui:
        return replace(self, nodes=list(self.nodes), messages=list(self.messages))

    def find(self, name: str) -> Node | None:
        return next((n for n in self.nodes if n.id == name), None)

    def put(self, node: Node) -> None:
        """Set the node in the place of the one of this name, or at the end."""
        for i, old in enumerate(self.nodes):
            if old.id == node.id:
                self.nodes[i] = node
                return
        self.nodes.append(node)

    def put_submit(self, node: Node) -> None:
        """Set a button in the place of the one of this name and value, or at the end: several may share a name."""
        for i, old in enumerate(self.nodes):
            if old.id == node.id and old.value == node.value and old.group == node.group:
                self.nodes[i] = node
                return
        self.nodes.append(node)

    def append(self, *nodes: Node) -> None:
        self.nodes.extend(nodes)

    def change(self, name: str, how: Callable[[Node], Node]) -> None:
        """Replace the first node of this name by what `how` makes of it; nothing when there is none."""
        for i, old in enumerate(self.nodes):
            if old.id == name:
                self.nodes[i] = how(old)
                return

    def set_value(self, name: str, value: Any) -> None:
        self.change(name, lambda node: node.with_value(value))

    def reset(self, *names: str) -> None:
        """Forget the value and the messages of these nodes."""
        for name in names:
            self.change(name, lambda node: replace(node.with_value(UNSET), messages=()))

    def remove(self, *names: str) -> None:
        self.nodes = [n for n in self.nodes if n.id not in names]

    def remove_like(self, like: Node) -> None:
        """Remove what has this node's name, group, type and, where it has one, value."""
        self.nodes = [n for n in self.nodes if not _is_like(n, like)]

    def fill(self, values: Any, prefix: str, group: str) -> None:
        """Put the leaves of a JSON document into the nodes of their names; leaves nobody declared become nodes."""
        for name, value in flatten(values, prefix):
            if self.find(name) is None:
                if len(self.nodes) < MAX_NODES:
                    self.append(from_json(name, value, group))
            else:
                self.change(name, lambda node, v=value: replace(node.with_value(v), group=group))  # type: ignore[misc]

    def refill(self, values: Any, prefix: str) -> None:
        """Put the leaves of a JSON document into nodes that exist, and leave what was not sent alone."""
        for name, value in flatten(values, prefix):
            self.set_value(name, value)

    def clear_messages(self) -> None:
        self.messages = []
        self.nodes = [replace(n, messages=()) if n.messages else n for n in self.nodes]

    def tell(self, message: Message, name: str = "") -> None:
        """Attach a message to the node of this name (made when missing), or to the form when no name is given."""
        if not name.strip():
            self.messages = [*self.messages, message]
            return
        node = self.find(name)
        if node is None:
            # A password typed before there is a field for it must not come back as readable text.
            self.append(
                replace(field(name, "password" if name == "password" else "text", "default"), messages=(message,))
            )
        else:
            self.change(name, lambda n: replace(n, messages=(*n.messages, message)))

    def sort(self, order: Order) -> None:
        self.nodes = sort_nodes(self.nodes, order)


def _is_like(node: Node, like: Node) -> bool:
    if node.id != like.id or node.type != like.type or node.group != like.group:
        return False
    a, b = node.attributes, like.attributes
    if isinstance(a, Input) and isinstance(b, Input):
        return a.type == b.type and (b.value is UNSET or a.value == b.value)
    return True


def sort_nodes(nodes: Sequence[Node], order: Order) -> list[Node]:
    """Two stable sorts: by group, then, among neighbours of one group, by key (`method` last) and by value.

    The second comparison is no total order (it says nothing of nodes of different groups), so it is an insertion
    sort: neighbours are exchanged while the comparison says so, which is also what Kratos' forms come out as.
    """
    rank = {group: i for i, group in enumerate(order.groups)}
    by_group = sorted(nodes, key=lambda n: rank.get(n.group, -1))
    last = len(order.keys)

    def position(node: Node) -> int:
        if node.id == "method":
            return len(nodes) + last + 1
        return next((i for i, key in enumerate(order.keys) if node.id.startswith(key)), last)

    keyed = [("default" if n.group == "password" else n.group, position(n), _sort_value(n), n) for n in by_group]
    for i in range(1, len(keyed)):
        j = i
        while j > 0 and keyed[j][0] == keyed[j - 1][0] and keyed[j][1:3] < keyed[j - 1][1:3]:
            keyed[j], keyed[j - 1] = keyed[j - 1], keyed[j]
            j -= 1
    return [entry[3] for entry in keyed]


def _sort_value(node: Node) -> str:
    """What nodes of one group and key are sorted by: the value of an input, the address of what has one."""
    match node.attributes:
        case Script(src=address) | Image(src=address) | Anchor(href=address):
            return address
    return _go_text(node.value)


def _go_text(value: Any) -> str:
    """A value as Go's `%v` prints it, near enough to compare two of them."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
