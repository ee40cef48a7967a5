"""The hosted pages, under `/ui/`: what people see when an operator has no user interface of their own.

Each flow is shown from its nodes alone (`flows`, `view`); the account's own pages are in `session`; what goes wrong is told
by `state`. How they look and speak is decided in `look` and `words`; templates and files are beside this one.
"""

from __future__ import annotations

from limen.core import urls
from limen.core.errors import ApiError
from limen.db.database import DatabaseError
from limen.http import why
from limen.http.kit import Answer, Call, Handler, Routes, log, redirect, text_answer, unreachable
from limen.http.pages import account, confirm, flows, mailbox, session, setup, state, static
from limen.selfservice import firstoperator, login, pageerrors, recovery, registration, settings, verification

PREFIX, STATIC = "/ui/", "/ui/static/"


def routes(routes: Routes) -> None:
    routes.add("GET", "/", _root)
    for path, handler in (
        ("/ui", _home), ("/ui/", session.home), ("/ui/error", _error), ("/ui/logout", session.sign_out_form),
        ("/ui/link", confirm.show), ("/ui/mailbox", mailbox.index), ("/ui/mailbox/{id}", mailbox.show),
        ("/ui/mailbox/{id}/html", mailbox.html),
        ("/ui/account/data", account.download), (account.DELETE, account.ask), ("/ui/account/deleted", account.deleted),
        (firstoperator.PAGE, setup.ask),
        ("/ui/login", flows.page("login", login.fetch)), ("/ui/registration", flows.page("registration", registration.fetch)),
        ("/ui/settings", flows.page("settings", settings.fetch)), ("/ui/recovery", flows.page("recovery", recovery.fetch)),
        ("/ui/verification", flows.page("verification", verification.fetch)),
    ):  # fmt: skip
        routes.add("GET", path, _page(handler))
    routes.add("POST", "/ui/logout", _page(session.sign_out))
    routes.add("POST", firstoperator.PAGE, _page(setup.become))
    routes.add("POST", account.DELETE, _page(account.delete))
    routes.add("POST", "/ui/sessions", _page(session.revoke))
    routes.add("GET", "/ui/sessions", _page(_home))
    routes.add("GET", "/ui/static/{name}", _page(static.serve))
    routes.add("GET", "/ui/{name}", _page(_unknown))


def _page(handler: Handler) -> Handler:
    """Whatever happens is told as a page; none of it when the pages are switched off."""

    async def guarded(call: Call) -> Answer:
        if not call.site.project.config.limen.pages.enabled:
            return _nothing()
        try:
            return await handler(call)
        except ApiError as error:
            return state.answer(call, state.explain(call, error, causes=why.note(call, error)))
        except DatabaseError as error:
            return state.trouble(call, unreachable(error, call.id))
        except Exception:
            log.exception("bug", request=call.id, method=call.method, path=call.path)
            return state.trouble(call, ApiError(500))

    return guarded


def instead_of_trouble(call: Call, answer: Answer) -> Answer:
    """A person whose way leads over `/self-service/` reads a page when the server is in trouble, programs what they know."""
    on_the_way = call.path.startswith("/self-service/") and _wants_page(call)
    if answer.status in (500, 503) and on_the_way and call.site.project.config.limen.pages.enabled:
        wait = {name: value for name, value in answer.headers if name == "Retry-After"}
        return state.trouble(call, ApiError(answer.status, headers=wait))
    return answer


def _wants_page(call: Call) -> bool:
    return "text/html" in call.headers.get("accept", "")


def _nothing() -> Answer:
    return text_answer(404, "404: there is nothing at this address")


async def _root(call: Call) -> Answer:
    """Who opens the bare address in a browser looks for a page; for everybody else there is nothing."""
    return await _home(call) if _wants_page(call) and call.site.project.config.limen.pages.enabled else _nothing()


async def _home(call: Call) -> Answer:
    return redirect(call, urls.join(call.site.project.public_url, "/ui/"))


async def _unknown(call: Call) -> Answer:
    return state.not_found(call)


async def _error(call: Call) -> Answer:
    """`GET /ui/error`: an error that belongs to no form, kept when it happened."""
    kept, causes = await pageerrors.explained(call.ctx, call.first("error") or call.first("id"))
    told = state.explain(call, state.of_kept(kept), causes=causes, technical_id=kept["id"])
    return state.answer(call, told, status=200)
