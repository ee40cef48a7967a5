"""The page of a flow, from its nodes and messages alone: title, alerts, forms, focus."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from limen.core import messages, urls
from limen.core.ui import Node, Script
from limen.flow import script
from limen.flow.model import Flow
from limen.http.pages import arrange, awaiting, links, lists, providers
from limen.http.pages.arrange import Form
from limen.http.pages.factors import Holdings
from limen.http.pages.items import ALERT, Item, item, shown
from limen.http.pages.links import Link
from limen.http.pages.words import Words
from limen.project.model import Project

# What the title of its page says already.
_SAID_BY_TITLE = (messages.CONFIRM_ITS_YOU.id, messages.SECOND_STEP.id, messages.CHOOSE_HOW_TO_SIGN_IN.id)
_STEPS = {"profile": 1, "credentials": 2}


class Alert(Struct, frozen=True):
    tone: str  # error or success
    text: str

    @property
    def id(self) -> str:
        return ALERT if self.tone == "error" else ""


class Problem(Struct, frozen=True):
    """An entry of the error summary: which field, and what is wrong with it."""

    id: str
    label: str
    text: str


class View(Struct, kw_only=True):
    kind: str
    title: str
    leads: list[str]
    alerts: list[Alert]
    problems: list[Problem]
    forms: list[Form]
    action: str
    method: str
    account: str
    shows_account: bool
    step: str
    missing: str  # what a script says of an empty field, in the words the server would use
    mail: bool  # a message is on its way: the page says what to do if it does not arrive
    other_account: bool
    script: Item | None
    links: list[Link]


def view(
    project: Project,
    flow: Flow,
    words: Words,
    now: datetime,
    *,
    last_provider: str = "",
    held: Holdings | None = None,
    recent: Sequence[str] = (),
) -> View:
    """:param last_provider: the id of the one this browser came from last
    :param held: what the person of a settings form signs in with
    :param recent: the person's last second steps, by method
    """
    told = flow.ui.messages
    flow = replace(
        flow, ui=replace(flow.ui, nodes=providers.with_names(project, lists.as_repeated(awaiting.nodes(flow))))
    )
    forms = arrange.forms(flow.kind, flow.ui.nodes, [m.id for m in told if m.type == "error"], words, recent)
    providers.adorn(project, forms, last_provider)
    if any(m.id == messages.RECOVERED.id for m in told):
        forms.sort(key=lambda form: form.group != "password")  # what somebody is here for comes first
    for form in forms:
        _tell_removals(form, held or Holdings({}, {}), words)
    _name(forms, urls.join(project.public_url, "/ui/"))
    _state_rules(project, forms, words)
    problems = [Problem(f.id, f.label, text) for form in forms for f in form.fields for text in f.errors]
    alerts = [Alert(m.type, words.message(m)) for m in told if m.type == "success"]
    if errors := [words.message(m) for m in told if m.type == "error"]:
        alerts.insert(0, Alert("error", " ".join(errors)))
    asks_code = awaiting.code(flow)
    waits = asks_code or awaiting.link(flow)
    _focus(flow, forms, has_alert=bool(errors))
    _slow_down(forms, awaiting.pause(flow, now), words)
    steps = flow.situation in _STEPS and not asks_code
    return View(
        kind=flow.kind,
        title=_title(flow, words, asks_code=asks_code),
        leads=_leads(project, flow, words, asks_code=asks_code),
        alerts=alerts,
        problems=problems,
        forms=forms,
        action=flow.ui.action or urls.join(project.public_url, f"/self-service/{flow.kind}?flow={flow.id}"),
        method=flow.ui.method,
        account=_account(flow),
        shows_account=bool(_account(flow)) and _carries_account(flow),
        step=words("page.registration.step", step=_STEPS[flow.situation], steps=len(_STEPS)) if steps else "",
        missing=words.message(messages.PROPERTY_MISSING(property="")),
        mail=waits,
        other_account=flow.situation in ("second", "second_refresh", "refresh"),
        script=_script(project, flow.ui.nodes, words),
        links=links.beside(project, flow, words, asks_password=_has(flow, "password"), waits=waits),
    )


def _has(flow: Flow, name: str) -> bool:
    return any(n.id == name for n in flow.ui.nodes)


def _title(flow: Flow, words: Words, *, asks_code: bool) -> str:
    place = f"page.{flow.kind}"
    detail: str = flow.situation if flow.kind in ("login", "registration") else ""
    if asks_code:
        detail = "code"
    elif awaiting.link(flow):
        return words("state.link_sent.title")
    elif any(m.id == messages.SIGN_IN_TO_LINK.id for m in flow.ui.messages):
        detail = "link"
    elif flow.kind == "verification" and flow.state == "passed_challenge":
        detail = "done"
    elif _has(flow, "recovery_select_address"):
        detail = "address"
    elif any(n.id == "recovery_confirm_address" and not n.is_submit for n in flow.ui.nodes):
        detail = "confirm"
    return words.maybe(f"{place}.{detail}.title") or words(f"{place}.title")


def _leads(project: Project, flow: Flow, words: Words, *, asks_code: bool) -> list[str]:
    told = [m for m in flow.ui.messages if m.type == "info" and m.id not in _SAID_BY_TITLE]
    leads = [words.message(providers.with_name(project, flow, m)) for m in told]
    if flow.kind == "login" and urls.query_value(flow.request_url, "signed_out") == "true" and not flow.ui.messages:
        leads.insert(0, words("state.signed_out.title") + ".")
    if leads or asks_code or flow.state == "passed_challenge":
        return leads
    if flow.kind == "verification" and awaiting.link(flow):  # it was sent without being asked for
        return [words.message(messages.VERIFICATION_LINK_SENT())]
    place = f"page.{flow.kind}"
    lead = words.maybe(f"{place}.{flow.situation}.lead") or words.maybe(f"{place}.lead")
    return [lead] if lead else []


def _account(flow: Flow) -> str:
    """The address or name that the form is about, as far as its nodes tell."""
    for n in flow.ui.nodes:
        value = "" if n.is_submit else shown(n.value)
        if value and (
            n.id in ("identifier", "email") or (n.id.startswith("traits.") and ("@" in value or "username" in n.id))
        ):
            return value
    return ""


def _carries_account(flow: Flow) -> bool:
    """Whether that is hidden in the form, so that the page has to show it."""
    named = [n for n in flow.ui.nodes if n.id in ("identifier", "email") or n.id.startswith("traits.")]
    return all(getattr(n.attributes, "type", "") == "hidden" for n in named)


def _script(project: Project, nodes: list[Node], words: Words) -> Item | None:
    """The one script a form may bring: ours. Any other is left out, and the policy of the page would refuse it."""
    for n in nodes:
        if isinstance(n.attributes, Script) and n.attributes.src == urls.join(project.public_url, script.PATH):
            return item(n, words)
    return None


def _state_rules(project: Project, forms: list[Form], words: Words) -> None:
    """What a new password must be is said before somebody chooses one."""
    least = project.config.selfservice.methods.password.config.min_password_length
    for form in forms:
        for field in form.fields:
            if field.attributes.get("autocomplete") == "new-password":
                field.hints = (*field.hints, words("field.password_rule", count=least))


def _slow_down(forms: list[Form], seconds: int, words: Words) -> None:
    """A button that sends a message again waits, and says how long (`limen.js`)."""
    for one in _all(forms):
        if one.sends_again and seconds:
            text = words("field.send_again_in", label=one.label, seconds="{seconds}")
            one.attributes = one.attributes | {"data-wait": str(seconds), "data-waiting": text}


def _tell_removals(form: Form, held: Holdings, words: Words) -> None:
    """What can be taken away is named, with when it was used; and taking it away is asked about."""
    for one in form.items:
        if one.kind != "button" or one.tone != "danger":
            continue
        known = held.of(form.group, one.value)
        one.kind, one.facts = "removal", known.facts
        one.title = known.title
        one.warning = known.warning or words.maybe(f"page.remove.{form.group}") or words("page.remove.text")


# --- ids and focus --------------------------------------------------------------------------------------------------


def _all(forms: list[Form]) -> Iterator[Item]:
    for form in forms:
        yield from form.items


def _name(forms: list[Form], home: str) -> None:
    """Give every item an id of its own, made of its name, and every link an address."""
    taken: set[str] = set()
    for one in _all(forms):
        base = re.sub(r"[^A-Za-z0-9_-]", "-", one.name) or one.kind
        id_, n = base, 1
        while id_ in taken:
            n += 1
            id_ = f"{base}-{n}"
        taken.add(id_)
        one.id = id_
        if one.kind == "link" and not one.value:
            one.value = home


def _focus(flow: Flow, forms: list[Form], *, has_alert: bool) -> None:
    """The first field in error, else the first empty one. Nobody wants to be led into the middle of the settings."""
    fields = [f for form in forms if not form.folded for f in form.fields if not f.attributes.get("disabled")]
    in_error = [f for f in fields if f.errors]
    empty = [f for f in fields if f.kind == "field" and not f.value] if flow.kind != "settings" else []
    for first in (in_error or empty)[:1]:
        first.attributes = first.attributes | {"autofocus": True}
        if has_alert and not in_error:
            first.told_by_alert = True
