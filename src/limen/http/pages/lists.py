"""Traits that are lists. A flow has one node for the list, which is empty, and one for each item, as `traits.tags.0`; but what a
form sends under these names is not a list. A form that says `traits.tags` for each item keeps them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from limen.core.ui import Input, Node

_ITEM: Final = re.compile(r"(?P<list>.+)\.\d+")


def as_repeated(nodes: Sequence[Node]) -> list[Node]:
    """The nodes with the items of each list under its own name, and without the empty one where there are items."""
    lists = {node.id: node for node in nodes}
    of = {node.id: lists[m["list"]] for node in nodes if (m := _ITEM.fullmatch(node.id)) and m["list"] in lists}
    full = {node.id for node in of.values()}
    return [_renamed(node, of[node.id]) if node.id in of else node for node in nodes if node.id not in full]


def _renamed(item: Node, whole: Node) -> Node:
    if not isinstance(item.attributes, Input):
        return item
    return replace(item, attributes=replace(item.attributes, name=whole.id), meta=whole.meta)
