"""The pages around a session: who is signed in and where, ending sessions elsewhere, signing out."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.context import Context
from limen.core import csrf, urls
from limen.core.devices import device_name, ip_address
from limen.core.form import Form
from limen.core.ids import parse_id
from limen.http.kit import Answer, Call, redirect
from limen.http.pages import draw, links, state, words
from limen.http.pages.links import Link
from limen.http.pages.words import Words
from limen.http.render import render
from limen.identity.model import Identity
from limen.selfservice import guard, logout
from limen.session import own, strength, trusted
from limen.session import service as sessions
from limen.session.model import Session, Subject

MOST = 50  # sessions shown
_DONE = {
    "one": "page.session.revoked", "others": "page.session.revoked_others", "forgotten": "page.trusted.forgotten",
}  # fmt: skip


class Place(Struct, frozen=True):
    """One of the browsers and apps a person is signed in with."""

    id: str
    device: str
    ip: str
    location: str
    since: str  # in words, such as "2 hours ago"
    stamp: str


class TrustedBrowser(Struct, frozen=True):
    """One in which the second step is not asked for. `used` is in words."""

    id: str
    device: str
    used: str
    stamp: str
    until: str
    is_current: bool


async def home(call: Call) -> Answer:
    """`GET /ui/`: the account of who is signed in; the way in for everybody else."""
    subject = await sessions.current(call.ctx)
    if subject is None and call.first("done") == "signed_up":
        told = state.State(name="signed_up", status=200, to=links.start(call.site.project, "login"))
        return state.answer(call, told)
    if subject is None:
        return _welcome(call)
    project = call.site.project
    if missing := strength.lack(project, subject.session, subject.identity, call.ctx.stamp):
        return redirect(call, strength.way(project, missing, urls.join(project.public_url, "/ui/")))
    t = words.pick(call)
    others = [_place(call.ctx, one, t) for one in await own.others(call.ctx, subject, MOST)]
    done = _DONE.get(call.first("done"), "")
    name, address = _who(subject.identity)
    values = {
        "name": name,
        "address": address,
        "current": _place(call.ctx, subject.session, t),
        "others": others,
        "trusted": await _trusted(call.ctx, subject, t),
        "done": t(done) if done else "",
        "settings": links.start(call.site.project, "settings"),
        "verification": _verification(call, subject.identity),
        "deletes": call.site.project.config.limen.selfservice.account_deletion.enabled,
    }
    return draw.page(call, "session", values)


def _welcome(call: Call) -> Answer:
    project, t = call.site.project, words.pick(call)
    found = [Link(t("link.sign_in"), links.start(project, "login"))]
    if links.offers(project, "registration"):
        found.append(Link(t("link.create_account"), links.start(project, "registration")))
    lead = "lead" if len(found) > 1 else "lead_sign_in"
    values: dict[str, Any] = {"title": t("page.home.title"), "leads": [t(f"page.home.{lead}")], "actions": found}
    return draw.page(call, "state", {**values, "technical_id": "", "details": {}})


def _place(ctx: Context, session: Session, t: Words) -> Place:
    seen = session.devices[-1] if session.devices else None
    return Place(
        id=session.id,
        device=(device_name(seen.user_agent) if seen else "") or t("page.session.unknown_device"),
        ip=ip_address(seen.ip_address) if seen else "",
        location=seen.location if seen else "",
        since=t("page.session.signed_in_ago", ago=t.ago(session.authenticated_at, ctx.now)),
        stamp=session.authenticated_at,
    )


async def _trusted(ctx: Context, subject: Subject, t: Words) -> list[TrustedBrowser]:
    return [
        TrustedBrowser(
            id=one.id,
            device=one.name or t("page.session.unknown_device"),
            used=t("page.trusted.used", ago=t.ago(one.used_at, ctx.now)),
            stamp=one.used_at,
            until=t("page.trusted.until", until=t.moment(one.expires_at)),
            is_current=one.id == subject.session.trusted_device,
        )
        for one in (await trusted.of_person(ctx, subject.identity.id) if trusted.is_on(ctx) else ())
    ]


def _verification(call: Call, identity: Identity) -> str:
    """Where an address that is not verified yet can be; empty when there is nothing to do."""
    waiting = any(not address.verified for address in identity.verifiable_addresses)
    project = call.site.project
    return links.start(project, "verification") if waiting and links.offers(project, "verification") else ""


def _who(identity: Identity) -> tuple[str, str]:
    """Name and address, as far as the traits tell; never both the same."""
    traits = identity.traits
    name = traits.get("name")
    if isinstance(name, dict):
        name = " ".join(part for part in name.values() if isinstance(part, str) and part)
    known = [a.value for a in identity.verifiable_addresses] + [a.value for a in identity.recovery_addresses]
    known += [str(traits[key]) for key in ("email", "username", "phone") if traits.get(key)]
    known += [i for credential in identity.credentials.values() for i in credential.identifiers]
    address = known[0] if known else ""
    return (name, address) if isinstance(name, str) and name else (address, "")


# --- forms ----------------------------------------------------------------------------------------------------------


async def sign_out_form(call: Call) -> Answer:
    """`GET /ui/logout`: asks first, as a link somebody else made must not sign anybody out."""
    project = call.site.project
    subject = await sessions.current(call.ctx)
    if subject is None:
        told = state.State(name="signed_out", status=200, to=links.start(project, "login"))
        return state.answer(call, told)
    return draw.page(call, "logout", {"return_to": call.first("return_to"), "name": _who(subject.identity)[0]})


async def sign_out(call: Call) -> Answer:
    """`POST /ui/logout`, with `csrf_token` and perhaps `return_to`."""
    form = await _form(call)
    there = urls.join(call.site.project.public_url, "/ui/logout")
    return await render(call, await logout.of_page(call.ctx, form.get("return_to"), there))


async def revoke(call: Call) -> Answer:
    """`POST /ui/sessions`, with `csrf_token` and the `id` of a session, `others=true`, or a browser to `forget`."""
    form = await _form(call)
    there = urls.join(call.site.project.public_url, "/ui/")
    subject = await sessions.current(call.ctx)
    if subject is None:
        return redirect(call, links.start(call.site.project, "login", there))
    project = call.site.project
    if missing := strength.lack(project, subject.session, subject.identity, call.ctx.stamp):
        return redirect(call, strength.way(project, missing, urls.join(project.public_url, "/ui/")))
    done = ""
    if form.get("others"):
        await own.revoke_others(call.ctx, subject)
        done = "others"
    elif browser := parse_id(form.get("forget")):
        await own.forget(call.ctx, subject, browser)
        done = "forgotten"
    elif (id_ := parse_id(form.get("id"))) and id_ != subject.session.id:
        done = "one" if await own.revoke(call.ctx, subject, id_) else ""
    return redirect(call, urls.with_query(there, {"done": done}) if done else there)


async def _form(call: Call) -> Form:
    """:raises ApiError: 403, the form was not drawn for this browser"""
    form = await call.form()
    if not csrf.fits(call.ctx.client.csrf, form.get(guard.csrf_field)):
        raise guard.violation(call.ctx, form)
    return form
