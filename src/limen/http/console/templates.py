"""Templates of messages: looked at, saved when they work, previewed, tried by mail, and brought back."""

from __future__ import annotations

from typing import Any

from limen.core import errors, formats
from limen.core.errors import ApiError
from limen.core.ids import parse_id
from limen.courier import editing, kinds, saved, templateview, trial
from limen.courier.editing import Wanted
from limen.courier.kinds import Kind, Part
from limen.courier.model import Rendered, Undelivered
from limen.courier.saved import Saved
from limen.courier.trial import NAMES, Told
from limen.http.console.answers import read
from limen.http.console.route import Route
from limen.http.console.templatebodies import (
    Parts,
    PreviewTemplate,
    RestoreTemplate,
    SetTemplate,
    SetTemplates,
    TemplateParts,
    TryTemplate,
)
from limen.http.kit import Answer, Call, json_answer
from limen.identity import service as identities

# --- what there is ------------------------------------------------------------------------------------------------------


async def _list(call: Call) -> Answer:
    language = _language(call, call.first("language"))
    views = await templateview.everything(call.ctx, language)
    return json_answer({"language": language, "templates": views})


async def _get(call: Call) -> Answer:
    view = await templateview.one(call.ctx, _kind(call), _language(call, call.first("language")))
    return json_answer(view)


async def _versions(call: Call) -> Answer:
    kind, language = _kind(call), _language(call, call.first("language"))
    found = await saved.versions(call.ctx.db, kind.type, language)
    return json_answer({"versions": [_version(one) for one in found]})


def _version(one: Saved) -> dict[str, Any]:
    return {
        "version": one.version, "language": one.language, "saved_at": one.saved_at, "saved_by": one.saved_by,
        "restored_from": one.restored_from, "is_default": not one.parts,
        **{name: one.parts.get(part) for part, name in NAMES.items()},
    }  # fmt: skip


# --- changing -----------------------------------------------------------------------------------------------------------


async def _set_all(call: Call) -> Answer:
    asked = await read(call, SetTemplates)
    language = _language(call, asked.language)
    wanted = [_wanted(_known(id_), parts or TemplateParts()) for id_, parts in asked.templates.items()]
    warnings = await editing.save(call.ctx, wanted, language)
    views = await templateview.everything(call.ctx, language)
    return json_answer({"language": language, "templates": views, "warnings": warnings})


async def _set(call: Call) -> Answer:
    asked, kind = await read(call, SetTemplate), _kind(call)
    language = _language(call, asked.language)
    wanted = _wanted(kind, asked)
    if not wanted.parts:
        raise ApiError(400, "The body does not fit.", reason="Give a part, or DELETE the template for the default.")
    warnings = await editing.save(call.ctx, [wanted], language)
    return json_answer({**await templateview.one(call.ctx, kind, language), "warnings": warnings})


async def _reset(call: Call) -> Answer:
    await editing.save(call.ctx, [Wanted(_kind(call), {})], _language(call, call.first("language")))
    return Answer(204)


async def _restore(call: Call) -> Answer:
    asked, kind = await read(call, RestoreTemplate), _kind(call)
    language = _language(call, asked.language)
    warnings = await editing.restore(call.ctx, kind, language, asked.version)
    return json_answer({**await templateview.one(call.ctx, kind, language), "warnings": warnings})


# --- trying -------------------------------------------------------------------------------------------------------------


async def _preview(call: Call) -> Answer:
    """Nothing is refused here: an editor shows what works beside what does not."""
    asked, kind = await read(call, PreviewTemplate), _kind(call)
    language = _language(call, asked.language)
    wanted = _wanted(kind, asked)
    verdict = await trial.judge(call.ctx.project, kind, wanted.parts, language)
    shown = dict.fromkeys(NAMES.values(), None) | await _shown(call, kind, language, verdict)
    shown |= dict.fromkeys((one.part for one in verdict.mistakes if one.part), None)
    return json_answer({**shown, "mistakes": verdict.mistakes, "warnings": verdict.warnings})


async def _shown(call: Call, kind: Kind, language: str, verdict: trial.Verdict) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for channel in kind.channels:
        try:
            made = await trial.shown(call.ctx, kind, channel, language, verdict.texts)
        except Undelivered as error:
            verdict.mistakes.append(Told(kind.type, "", 0, 0, str(error)))
            made = Rendered("", "", "")
        own = {"body_sms": made.text}
        if channel == "email":
            own = {"subject": made.subject, "body_text": made.text, "body_html": made.html}
        found |= own
    return found


async def _try(call: Call) -> Answer:
    asked, kind = await read(call, TryTemplate), _kind(call)
    if asked.channel not in kind.channels:
        raise ApiError(400, "The body does not fit.", reason="channel: there are no text messages of this kind.")
    to = asked.to or await _own_address(call, asked.channel)
    await editing.send_sample(call.ctx, _wanted(kind, asked), asked.channel, _language(call, asked.language), to)
    call.site.wake_courier()
    return json_answer({"sent_to": [to]}, 202)


async def _own_address(call: Call, channel: str) -> str:
    """The operator's own address, where that is known."""
    id_ = parse_id(call.ctx.client.actor.partition(":")[2])
    own = (await identities.must(call.ctx.db, id_)).called if id_ else ""
    if channel == "sms" or not formats.email_loose(own):
        raise ApiError(400, "The body does not fit.", reason="to: say to which address.")
    return own


# --- what was asked for -------------------------------------------------------------------------------------------------


def _kind(call: Call) -> Kind:
    kind = kinds.BY_TYPE.get(call.params["id"])
    if kind is None:
        raise errors.row_not_found()
    return kind


def _known(id_: str) -> Kind:
    if id_ not in kinds.BY_TYPE:
        raise ApiError(400, "The body does not fit.", reason=f"templates: there are {', '.join(kinds.BY_TYPE)}.")
    return kinds.BY_TYPE[id_]


def _wanted(kind: Kind, asked: Parts) -> Wanted:
    parts: dict[Part, str] = {part: text for part, name in NAMES.items() if (text := getattr(asked, name)) is not None}
    if "sms" in parts and not kind.sms:
        raise ApiError(400, "The body does not fit.", reason=f"body_sms: there are no text messages {kind.type}.")
    return Wanted(kind, parts, getattr(asked, "version", None))


def _language(call: Call, asked: str) -> str:
    """A language that messages are written in, or "" for all of them."""
    offered = call.ctx.project.config.limen.pages.languages
    if asked and asked not in offered:
        raise ApiError(400, "That is no language here.", reason=f"language: one of {', '.join(offered)}.")
    return asked


_ALL = "/api/auth/email-templates"
_ONE = _ALL + "/{id}"
_EXAMPLE = {
    "subject": "Your code for {{ .ApplicationName }}: {{ .VerificationCode }}",
    "body_html": "<p>Hello {{ .Identity.traits.email }},</p>\n<p>your code is <b>{{ .VerificationCode }}</b>.</p>",
}
ROUTES: tuple[Route, ...] = (
    Route(
        id="listTemplates", method="GET", path=_ALL, tag="templates", says="All templates of messages, as they are in force",
        may="viewer", handler=_list, answers={200: "templates"}, errors=(400,), takes="language",
    ),
    Route(
        id="setTemplates", method="PUT", path=_ALL, tag="templates", says="Save templates, all or none", may="developer",
        recent=True, handler=_set_all, body=SetTemplates, answers={200: "templates"}, errors=(409,),
        example={"templates": {"verification_code_valid": _EXAMPLE}},
    ),
    Route(
        id="getTemplate", method="GET", path=_ONE, tag="templates", says="A template, and what it may use", may="viewer",
        handler=_get, answers={200: "template"}, errors=(400, 404), takes="language",
    ),
    Route(
        id="setTemplate", method="PUT", path=_ONE, tag="templates", says="Save a template", may="developer", recent=True,
        handler=_set, body=SetTemplate, answers={200: "template"}, errors=(404, 409), example=_EXAMPLE,
    ),
    Route(
        id="resetTemplate", method="DELETE", path=_ONE, tag="templates", says="Go back to the default", may="developer",
        recent=True, handler=_reset, answers={204: ""}, errors=(400, 404, 409), takes="language",
    ),
    Route(
        id="previewTemplate", method="POST", path=_ONE + "/preview", tag="templates",
        says="What a template makes of a sample, and what is wrong with it; nothing is saved", may="developer",
        handler=_preview, body=PreviewTemplate, answers={200: "templatePreview"}, errors=(404,), example=_EXAMPLE,
    ),
    Route(
        id="tryTemplate", method="POST", path=_ONE + "/test", tag="templates",
        says="Send a sample, by default to oneself; nothing is saved", may="developer", handler=_try, body=TryTemplate,
        answers={202: "sent"}, errors=(404,), example={"to": "ann@example.org"},
    ),
    Route(
        id="listTemplateVersions", method="GET", path=_ONE + "/versions", tag="templates",
        says="What was saved of a template, newest first", may="viewer", handler=_versions,
        answers={200: "templateVersions"}, errors=(400, 404), takes="language",
    ),
    Route(
        id="restoreTemplate", method="POST", path=_ONE + "/restore", tag="templates",
        says="Put an earlier version in force", may="developer", recent=True, handler=_restore, body=RestoreTemplate,
        answers={200: "template"}, errors=(404, 409), example={"version": 1},
    ),
)  # fmt: skip
