"""The profile: the traits of a person, asked for first in a two-step registration and changed in the settings."""

from __future__ import annotations

from msgspec import Struct

from limen.context import Context
from limen.core import errors, messages, ui
from limen.core.form import Form
from limen.flow.method import Changed, Method, Next, Outcome, Part
from limen.flow.model import Flow, Submission
from limen.session.model import Subject

ID = "profile"
_CONTINUE = ui.submit("method", ID, ID, messages.SIGN_UP())
_BACK = ui.submit("screen", "previous", ID, messages.REGISTRATION_BACK())
_SAVE = ui.submit("method", ID, ID, messages.SAVE())
_OLD_BACK = "profile:back"  # what older pages send to go back


class Step(Struct):
    traits: dict[str, object] = {}
    screen: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, object] = {}


async def _draw_registration(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    form = flow.ui
    if flow.situation == "credentials":
        form.append(_BACK)
        form.remove_like(_CONTINUE)
        form.nodes = [n.hide() if n.group == "default" else n for n in form.nodes]
        form.messages = [*form.messages, messages.CHOOSE_HOW_TO_SIGN_IN()]
        return
    form.remove_like(_BACK)
    for node in ctx.project.schema(flow.identity_schema).nodes("default"):
        form.put(node)
    if flow.situation == "profile":
        form.append(_CONTINUE)


def _claims(flow: Flow, form: Form) -> bool:
    """Every submit that names a screen is ours, whatever method stands beside it."""
    if flow.situation == "unified":
        return False
    return form.method in (ID, _OLD_BACK) or bool(form.get("screen"))


def _goes_back(form: Step) -> bool:
    return form.screen == "previous" or (form.method == _OLD_BACK and not form.screen)


async def _step(ctx: Context, flow: Flow, form: Step, about: Submission, subject: Subject | None) -> Outcome:
    if _goes_back(form):
        flow.ui.clear_messages()
        return Next("profile", form.traits)
    extracted = ctx.project.schema(flow.identity_schema).extract(form.traits)
    flow.active, flow.state = "", "choose_method"
    flow.ui.clear_messages()
    return Next("credentials", extracted.traits)


class Change(Struct):
    traits: dict[str, object] = {}
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, object] = {}


async def _draw_settings(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    if subject is None:
        raise errors.no_session()
    for node in ctx.project.schema(subject.identity.schema_id).nodes(ID):
        flow.ui.put(node)
    flow.ui.fill(subject.identity.traits, "traits", ID)
    flow.ui.append(_SAVE)


def _refuse_change(flow: Flow, form: Change | None) -> None:
    """The form shows what was sent, and only that, as far as it could be read."""
    if form is not None:
        flow.ui.reset(*(n.id for n in flow.ui.nodes if n.id.startswith("traits.")))
        flow.ui.fill(form.traits, "traits", ID)


async def _change(ctx: Context, flow: Flow, form: Change, about: Submission, subject: Subject | None) -> Outcome:
    return Changed(form.traits)


METHOD = Method(
    id=ID,
    registration=Part(
        form=Step,
        draw=_draw_registration,
        steady=True,
        submit=_step,
        claims=_claims,
        csrf=lambda form: not _goes_back(form),
        choices={"screen": ("credential-selection", "previous")},
        traits=True,
    ),
    settings=Part(
        form=Change,
        draw=_draw_settings,
        submit=_change,
        traits=True,
        refused=_refuse_change,
        keeps_messages=True,
    ),
)
