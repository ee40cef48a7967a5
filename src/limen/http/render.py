"""From a self-service reply to a response: status, redirect, cookies and body."""

from __future__ import annotations

from limen.core import urls
from limen.core.errors import ApiError
from limen.flow.body import flow_body
from limen.http import cookies, why
from limen.http.kit import Answer, Call, error_answer, json_answer, redirect
from limen.selfservice import pageerrors
from limen.selfservice.reply import Reply
from limen.session import service as sessions


async def render(call: Call, reply: Reply) -> Answer:
    """The response of a reply, with its cookies."""
    answer = await _answer(call, reply)
    project = call.site.project
    if reply.csrf:
        answer.headers.append(("set-cookie", cookies.csrf(project, reply.csrf)))
    if reply.issued:
        value = cookies.session(project, reply.issued.session, reply.issued.token, call.ctx.now.timestamp())
        answer.headers.append(("set-cookie", value))
    if reply.paused is not None:
        answer.headers.append(("set-cookie", cookies.paused(project, reply.paused, call.ctx.now.timestamp())))
    if reply.trusted is not None:
        answer.headers.append(("set-cookie", cookies.trusted(project, reply.trusted, call.ctx.now.timestamp())))
    if reply.ends_session:
        answer.headers.append(("set-cookie", cookies.end_session(project)))
    return answer


async def _answer(call: Call, reply: Reply) -> Answer:
    if reply.error is not None and not reply.url:
        return await fail(call, reply.error, json=reply.json)
    if not reply.json:
        return redirect(call, reply.url, reply.page_status)
    if reply.error is not None:
        why.note(call, reply.error)
        return error_answer(reply.error, call.given_id)
    if reply.status == 204:
        return Answer(204)
    if reply.flow is not None:
        body = flow_body(call.site.project, reply.flow, reply.csrf or call.ctx.client.csrf)
        if reply.identity is not None:
            body["identity"] = sessions.identity_body(call.site.project, reply.identity)
        if reply.payload is not None:
            body["transient_payload"] = reply.payload
        if reply.exchange_code:
            body["session_token_exchange_code"] = reply.exchange_code
        if reply.continue_with:
            body["continue_with"] = reply.continue_with
        return json_answer(body, reply.status)
    return json_answer(reply.body, reply.status)


async def fail(call: Call, error: ApiError, *, json: bool) -> Answer:
    """An error envelope, or, for a page, the error page, which is told what happened under an id."""
    causes = why.note(call, error)
    if json:
        return error_answer(error, call.given_id)
    id_ = await pageerrors.keep(call.ctx, error, causes)
    return redirect(call, urls.with_query(call.site.project.ui_url("error"), {"id": id_}))
