"""`/ui/setup`: whoever has the link that the server printed, and signs in, becomes its first operator."""

from __future__ import annotations

from limen.core import csrf, urls
from limen.http.kit import Answer, Call
from limen.http.pages import draw, links, state, words
from limen.http.pages.account import signed_in
from limen.http.pages.links import Link
from limen.http.pages.state import State
from limen.selfservice import firstoperator, guard
from limen.session import service as sessions


async def ask(call: Call) -> Answer:
    token = call.first("token")
    await firstoperator.check_open(call.ctx, token)
    here = urls.with_query(firstoperator.PAGE, {"token": token})
    if await sessions.current(call.ctx) is None:
        return _ask_stranger(call, urls.join(call.site.project.public_url, here))
    subject = await signed_in(call, here)
    if isinstance(subject, Answer):
        return subject
    t = words.pick(call)
    values = {
        "title": t("page.setup.title"),
        "lead": t("page.setup.text", account=subject.identity.called),
        "label": t("page.setup.submit"),
        "action": urls.join(call.site.project.public_url, firstoperator.PAGE),
        "fields": {"token": token},
    }
    return draw.page(call, "confirm", values)


def _ask_stranger(call: Call, here: str) -> Answer:
    """On a fresh server nobody has an account yet: say what the link is for, and lead there and back."""
    t, project = words.pick(call), call.site.project
    actions = [Link(t("link.sign_in"), links.start(project, "login", here))]
    if links.offers(project, "registration"):
        actions.insert(0, Link(t("link.create_account"), links.start(project, "registration", here)))
    values = {
        "title": t("page.setup.title"),
        "leads": [t("page.setup.stranger")],
        "actions": actions,
        "technical_id": "",
        "details": {},
    }
    return draw.page(call, "state", values)


async def become(call: Call) -> Answer:
    form = await call.form()
    if not csrf.fits(call.ctx.client.csrf, form.get(guard.csrf_field)):
        raise guard.violation(call.ctx, form)
    token, ctx = form.get("token"), call.ctx
    await firstoperator.check_open(ctx, token)
    subject = await signed_in(call, urls.with_query(firstoperator.PAGE, {"token": token}))
    if isinstance(subject, Answer):
        return subject
    commit = ctx.db.begin()
    firstoperator.appoint(commit, ctx, subject.identity, token)
    await ctx.db.commit(commit)
    return state.answer(call, State(name="set_up", status=200))
