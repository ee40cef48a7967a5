"""From a template to a page. The template engine is loaded with the first page: a server behind its own pages needs none."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from limen.core import csrf, urls
from limen.http.kit import Answer, Call
from limen.http.pages import providers, static, words
from limen.http.pages.look import look

if TYPE_CHECKING:
    from jinja2 import Environment

HTML = "text/html; charset=utf-8"
_HEADERS = (
    ("content-type", HTML),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),  # addresses hold codes and ids of forms
    ("permissions-policy", "publickey-credentials-get=(self), publickey-credentials-create=(self)"),
)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - see above: 40 ms at start

    environment = Environment(
        loader=PackageLoader("limen.http.pages"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["mark"] = providers.marks().__getitem__  # for all templates, also those that others import
    return environment


def page(
    call: Call,
    template: str,
    values: dict[str, Any],
    *,
    status: int = 200,
    headers: list[tuple[str, str]] | None = None,
    frames: bool = False,
) -> Answer:
    """A whole page. Templates find beside `values`: `t` (words), `look`, `file`, `link`, `token`, `languages`.

    :param frames: the page shows another of ours in a frame
    """
    project = call.site.project
    secret = call.ctx.client.csrf
    common = {
        "t": words.pick(call),
        "look": look(project),
        "file": lambda name: static.address(project, name),
        "link": lambda path: urls.join(project.public_url, path),
        "token": csrf.mask(secret) if secret else "",
        "languages": words.choices(call),
    }
    body = _environment().get_template(template + ".html").render(common | values)
    policy = ("content-security-policy", look(project).policy + ("; frame-src 'self'" if frames else ""))
    kept = [] if call.method == "GET" else [("cache-control", "no-store")]  # the port says so for every GET
    return Answer(status, body.encode(), [*_HEADERS, *kept, policy, *words.chosen_cookie(call), *(headers or ())])
