"""The account as a whole: a copy of what is kept about a person, and its end."""

from __future__ import annotations

import msgspec

from limen.core import csrf, urls
from limen.http.kit import Answer, Call, redirect
from limen.http.pages import draw, links, state
from limen.http.pages.state import State
from limen.http.render import render
from limen.selfservice import account, guard
from limen.selfservice.reply import Reply
from limen.session import service as sessions
from limen.session import strength
from limen.session.model import Subject

DELETE = "/ui/account/delete"


async def download(call: Call) -> Answer:
    """`GET /ui/account/data`: a JSON file."""
    subject = await signed_in(call, call.path)
    if isinstance(subject, Answer):
        return subject
    body = msgspec.json.format(msgspec.json.encode(await account.data(call.ctx, subject)), indent=2)
    headers = [("content-type", "application/json; charset=utf-8"), ("x-content-type-options", "nosniff"),
               ("content-disposition", 'attachment; filename="account.json"')]  # fmt: skip
    return Answer(200, body + b"\n", headers)


async def ask(call: Call) -> Answer:
    """`GET /ui/account/delete`: asks once more, after a fresh sign-in."""
    account.check_may_delete(call.ctx)
    subject = await signed_in(call, call.path, fresh=True)
    if isinstance(subject, Answer):
        return subject
    return draw.page(call, "delete", {})


async def delete(call: Call) -> Answer:
    """`POST /ui/account/delete`, with the form's `csrf_token`."""
    account.check_may_delete(call.ctx)
    form = await call.form()
    if not csrf.fits(call.ctx.client.csrf, form.get(guard.csrf_field)):
        raise guard.violation(call.ctx, form)
    subject = await signed_in(call, call.path, fresh=True)
    if isinstance(subject, Answer):
        return subject
    await account.delete(call.ctx, subject)
    gone = urls.with_query(urls.join(call.site.project.public_url, "/ui/account/deleted"), {})
    return await render(call, Reply(json=False, url=gone, ends_session=True, csrf=csrf.new_secret()))


async def deleted(call: Call) -> Answer:
    """`GET /ui/account/deleted`: where the deletion ends."""
    return state.answer(call, State(name="account_deleted", status=200))


async def signed_in(call: Call, path: str, *, fresh: bool = False) -> Subject | Answer:
    """Who is signed in with all factors, or the way there and back to `path`; `fresh`: not long ago."""
    project = call.site.project
    here = urls.join(project.public_url, path)
    subject = await sessions.current(call.ctx)
    if subject is None:
        return redirect(call, links.start(project, "login", here))
    if missing := strength.lack(project, subject.session, subject.identity, call.ctx.stamp):
        return redirect(call, strength.way(project, missing, here))
    if fresh and not sessions.satisfies(subject.session, subject.identity, "highest_available"):
        return redirect(call, strength.aal2_url(project, here))  # a trusted browser is no second factor
    if fresh and not sessions.is_privileged(call.ctx, subject.session):
        return redirect(call, urls.with_query(links.start(project, "login", here), {"refresh": "true"}))
    return subject
