"""The page between a link in a mail and what it does.

Mail programs and virus scanners open links before people do. What a link proves is therefore sent by a click on this
page: opening it, however often and by whomever, changes nothing.
"""

from __future__ import annotations

from limen.core import urls
from limen.http.kit import Answer, Call
from limen.http.pages import draw, state, words
from limen.http.pages.state import State

KINDS = ("recovery", "verification", "login")


async def show(call: Call) -> Answer:
    """`GET /ui/link`, with the flow's kind and id and the token of the link."""
    kind, flow, token = call.first("kind"), call.first("flow"), call.first("token")
    if kind not in KINDS or not flow or not token:
        return state.answer(call, State(name="not_found", status=404))
    t = words.pick(call)
    values = {
        "title": t(f"page.confirm.{kind}.title"),
        "lead": t(f"page.confirm.{kind}.text"),
        "label": t(f"page.confirm.{kind}.submit"),
        "action": urls.with_query(urls.join(call.site.project.public_url, f"/self-service/{kind}"), {"flow": flow}),
        "fields": {"token": token, "method": "link"},
    }
    return draw.page(call, "confirm", values)
