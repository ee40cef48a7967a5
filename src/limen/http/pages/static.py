"""The files of the pages: script and styles, and what the branding makes. Their addresses change when they do."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib import resources

from msgspec import Struct

from limen.core import urls
from limen.http.kit import Answer, Call, text_answer
from limen.http.pages.look import look
from limen.project.model import Project

FOREVER = "public, max-age=31536000, immutable"
_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}


class File(Struct, frozen=True):
    type: str
    data: bytes

    @property
    def version(self) -> str:
        return sha256(self.data).hexdigest()[:12]


@cache
def _own() -> dict[str, File]:
    """The files of the package, read once."""
    folder = resources.files("limen.http.pages").joinpath("static")
    return {f.name: File(_TYPES[f.name.rpartition(".")[2]], f.read_bytes()) for f in folder.iterdir()}


def _file(project: Project, name: str) -> File | None:
    made = look(project)
    match name:
        case "brand.css":
            return File(_TYPES["css"], made.style.encode())
        case "icon.svg":
            return File("image/svg+xml", made.icon.encode())
        case "logo" if made.logo:
            return File(made.logo_type, made.logo)
    return _own().get(name)


def address(project: Project, name: str) -> str:
    """Where a browser fetches this file; it may keep it for ever.

    :raises KeyError: there is none
    """
    file = _file(project, name)
    if file is None:
        raise KeyError(name)
    return urls.join(project.public_url, f"/ui/static/{name}?v={file.version}")


async def serve(call: Call) -> Answer:
    """`GET /ui/static/{name}`. Without the right version the browser has to ask again each time."""
    file = _file(call.site.project, call.params["name"])
    if file is None:
        return text_answer(404, "404: there is nothing at this address")
    headers = [
        ("content-type", file.type),
        ("cache-control", FOREVER if call.first("v") == file.version else "no-cache"),
        ("x-content-type-options", "nosniff"),
        # An operator's SVG, opened by itself, must not run anything as ours.
        ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    ]
    return Answer(200, file.data, headers)
