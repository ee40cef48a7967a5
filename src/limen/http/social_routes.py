"""Where providers send people back to."""

from __future__ import annotations

from urllib.parse import parse_qsl

from limen.core import urls
from limen.core.errors import ApiError
from limen.http.kit import Answer, Call, Routes, redirect
from limen.http.pages import providers
from limen.http.render import fail, render
from limen.selfservice import callback
from limen.social.provider import CALLBACK

MAX_FIELDS = 50
MAX_POSTED = 16 * 1024  # bytes, as they are to fit into an address
_OF_ORGANIZATION = "/self-service/methods/oidc/organization/{organization}/callback/{provider}"


def add(routes: Routes) -> None:
    for path in (CALLBACK, CALLBACK + "/{provider}", _OF_ORGANIZATION):
        routes.add("GET", path, _back)
    for path in (CALLBACK, CALLBACK + "/{provider}"):
        routes.add("POST", path, _posted)


async def _back(call: Call) -> Answer:
    query = {name: values[0] for name, values in urls.parse_query(call.query).items()}
    try:
        reply = await callback.finish(call.ctx, call.params.get("provider", ""), query)
        answer = await render(call, reply)
    except ApiError as error:
        return await fail(call, error, json=call.ctx.client.is_json or call.ctx.client.accepts_json)
    if reply.issued:
        answer.headers += providers.remembered(call.site.project, reply.issued.session)
    call.site.wake_courier()
    return answer


async def _posted(call: Call) -> Answer:
    """Apple posts its answer, without the browser's cookies; the same as a GET of our own brings them."""
    body = await call.body()
    if len(body) > MAX_POSTED:
        return await fail(call, ApiError(413), json=call.ctx.client.accepts_json)
    try:
        pairs = parse_qsl(body.decode("utf8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        pairs = []
    here = urls.join(call.site.project.public_url, call.path) + (f"?{call.query}" if call.query else "")
    return redirect(call, urls.with_query(here, dict(pairs)), 302)
