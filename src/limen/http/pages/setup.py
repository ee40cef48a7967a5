"""`/ui/setup`: whoever has the link that the server printed, and signs in, becomes its first operator."""

from __future__ import annotations

from limen.core import csrf, urls
from limen.http.kit import Answer, Call
from limen.http.pages import draw, state, words
from limen.http.pages.account import signed_in
from limen.http.pages.state import State
from limen.selfservice import firstoperator, guard


async def ask(call: Call) -> Answer:
    token = call.first("token")
    await firstoperator.check_open(call.ctx, token)
    subject = await signed_in(call, urls.with_query(firstoperator.PAGE, {"token": token}))
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
