"""A browser without a script: opens pages over the wire, reads their forms, and sends them."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import httpx

from tests.support.server import LiveServer

HTML = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
_EMPTY = {"input", "img", "link", "meta", "br", "path", "circle", "rect"}


class Element:
    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag, self.attributes = tag, attributes
        self.children: list[Element | str] = []

    def all(self, tag: str = "", **attributes: str) -> list[Element]:
        """Everything inside of this tag with these attributes (`_` for `-`; a leading one is taken off)."""
        wanted = {name.strip("_").replace("_", "-"): value for name, value in attributes.items()}
        found: list[Element] = []
        for child in self.children:
            if isinstance(child, Element):
                if tag in ("", child.tag) and all(child.attributes.get(k) == v for k, v in wanted.items()):
                    found.append(child)
                found += child.all(tag, **attributes)
        return found

    def one(self, tag: str = "", **attributes: str) -> Element:
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} of <{tag} {attributes}>"
        return found[0]

    def has(self, tag: str = "", **attributes: str) -> bool:
        return bool(self.all(tag, **attributes))

    @property
    def text(self) -> str:
        return " ".join("".join(c if isinstance(c, str) else f" {c.text} " for c in self.children).split())

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice in <{tag}>: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in _EMPTY:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _EMPTY:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def read(html: str) -> Element:
    reader = _Reader()
    reader.feed(html)
    assert len(reader._open) == 1, f"<{reader._open[-1].tag}> is never closed"
    return reader.root


class Visitor:
    """`page` is what is shown now, after all redirects; `answer` the response it came with."""

    def __init__(self, server: LiveServer, **headers: str) -> None:
        self.server = server
        self.http = httpx.Client(base_url=server.public, follow_redirects=True, headers={**HTML, **headers})
        server.closing.append(self.http.close)
        self.answer: httpx.Response
        self.page: Element

    def open(self, path: str, **query: str) -> Element:
        url = httpx.URL(path, params=query) if query else httpx.URL(path)
        return self._show(self.http.get(url))

    def step(self, path: str, **query: str) -> httpx.Response:
        """One request, without following where it leads."""
        return self.http.get(path, params=query or None, follow_redirects=False)

    def send(self, button: Element | str = "", form: Element | None = None, **values: str) -> Element:
        """Fill in fields and press a button: the one given, named by its text, or the main one of the form."""
        if isinstance(button, str):
            places = [form] if form else self.page.all("form")
            found = [b for f in places for b in f.all("button", type="submit") if not button or button in b.text]
            button = found[0]
        form = form or next(f for f in self.page.all("form") if button in f.all("button"))
        data = fields(form) | values | ({button["name"]: button["value"]} if "name" in button.attributes else {})
        return self._show(self.http.request(form["method"].upper(), form["action"], data=data))

    def _show(self, answer: httpx.Response) -> Element:
        self.answer, self.page = answer, read(answer.text)
        return self.page

    @property
    def heading(self) -> str:
        return self.page.one("h1").text

    @property
    def secret(self) -> str:
        """The browser's secret, as its cookie has it."""
        return self.http.cookies[self.server.app.site.project.csrf_cookie]

    def whoami(self) -> dict[str, Any]:
        answer = self.http.get("sessions/whoami", headers={"accept": "application/json"})
        return dict(answer.json()) if answer.status_code == 200 else {}

    def sign_up(self, email: str = "ann@example.org", password: str = "correct-horse-battery-1") -> Element:
        self.open("ui/registration")
        self.send(**{"traits.email": email})
        return self.send(password=password)

    def sign_in(self, email: str = "ann@example.org", password: str = "correct-horse-battery-1") -> Element:
        self.open("ui/login")
        return self.send(identifier=email, password=password)


def fields(form: Element) -> dict[str, str | list[str]]:
    """What a browser sends of a form that nobody touched."""
    found: dict[str, str | list[str]] = {}
    for field in form.all("input"):
        if "name" not in field.attributes or "disabled" in field.attributes:
            continue
        if field["type"] == "checkbox" and "checked" not in field.attributes:
            continue
        value, before = field.attributes.get("value", ""), found.get(field["name"], [])
        found[field["name"]] = value if before == [] else [*([before] if isinstance(before, str) else before), value]
    for field in form.all("select"):
        chosen = [o for o in field.all("option") if "selected" in o.attributes]
        found[field["name"]] = chosen[0]["value"] if chosen else ""
    return found
