"""The check-up of messages: whether any would be sent, in which words, by whom, and whether the mail server takes them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, get_args

from limen.core import clock, templates
from limen.core.configcourier import HttpRequest
from limen.core.findings import Finding, good, notice, trouble
from limen.core.outbound import Outbound
from limen.core.templates import TemplateError
from limen.courier import documents, kinds, mailbox, render, saved, store, trial
from limen.courier.deliver import HEARTBEAT
from limen.courier.kinds import Part
from limen.courier.model import Undelivered
from limen.courier.smtp import MailServer
from limen.db.database import ProjectDatabase
from limen.project.model import Project

OVERDUE: Final = 60.0  # seconds a message may wait that should have been sent
_DAY: Final = 86400.0
_KRATOS_SENDER: Final = "no-reply@ory.kratos.sh"


async def check(project: Project, db: ProjectDatabase | None, outbound: Outbound, now: datetime) -> list[Finding]:
    """All of it. Sends nothing. Without a database, nothing is known of the queue."""
    return [
        *flows(project),
        *await _way(project, outbound),
        *await _templates(project, db, outbound),
        *await _queue(project, db, now),
    ]


# --- whether messages are asked for -------------------------------------------------------------------------------------


def flows(project: Project) -> Iterator[Finding]:
    """Whether addresses are verified and accounts recovered, and whether the schemas mark any address for it."""
    configured = project.config.selfservice.flows
    for name, flow, effect in (
        ("verification", configured.verification, "no address is ever confirmed"),
        ("recovery", configured.recovery, "who forgets the password stays locked out"),
    ):
        marked = [id_ for id_, schema in project.schemas.items() if schema.extension_paths(name, "via")]
        missing = [id_ for id_ in project.schemas if id_ not in marked]
        if not flow.enabled:
            advice = f"Set `selfservice.flows.{name}.enabled: true`."
            yield notice(f"{name.capitalize()} is disabled: {effect}.", advice)
        elif not marked:
            mark = f'"ory.sh/kratos": {{"{name}": {{"via": "email"}}}}'
            yield trouble(
                f"{name.capitalize()} is enabled, but no identity schema marks an address for it: {effect}.",
                f"Write `{mark}` at the trait with the address.",
            )
        elif not project.has_method(flow.use):
            yield trouble(
                f"{name.capitalize()} uses {flow.use}, but selfservice.methods.{flow.use} is not enabled.",
                f"Set `selfservice.methods.{flow.use}.enabled: true`, or use the other way.",
            )
        elif missing:
            yield notice(f"{name.capitalize()} is enabled; these schemas mark no address for it: {', '.join(missing)}.")
        else:
            yield good(f"{name.capitalize()} is enabled, by {flow.use}.")


# --- the way out --------------------------------------------------------------------------------------------------------


async def _way(project: Project, outbound: Outbound) -> list[Finding]:
    courier = project.config.courier
    if mailbox.is_only(project):
        where = mailbox.address(project)
        return [notice(f"No mail server is configured: messages are shown at {where}.", "For real mail, " + _SET_URI)]
    if not mailbox.has_server(project):
        return [trouble("No mail server is configured: every message will be given up.", _SET_URI.capitalize())]
    found: list[Finding] = []
    if courier.delivery_strategy == "http":
        found.append(await _service(outbound, "Mail", courier.http.request_config))
    else:
        found.append(await _server(project))
        if courier.smtp.from_address == _KRATOS_SENDER:
            advice = "Set `courier.smtp.from_address` to an address of yours."
            found.append(trouble(f"Mails come from {_KRATOS_SENDER}, and will be taken for spam.", advice))
    found += [await _service(outbound, "Text messages", channel.request_config) for channel in courier.channels]
    return found


_SET_URI: Final = "set `courier.smtp.connection_uri`."


async def _server(project: Project) -> Finding:
    """Greets the server, signs in, and leaves."""
    refuse_private = project.config.clients.smtp.disallow_private_ip_ranges
    server = MailServer(project.config.courier.smtp, refuse_private=refuse_private)
    try:
        connection = await server.connect()
    except Undelivered as error:
        return trouble(f"The mail server refuses us. {error}", _hint(str(error)))
    await connection.close()
    return good(f"The mail server takes our mails: {server.name}.")


def _hint(error: str) -> str:
    """What most often helps with this error."""
    said = error.lower()
    for sign, advice in (
        (
            "starttls",
            "If the server speaks TLS from the start, write `smtps://`; if it has none, `?disable_starttls=true`.",
        ),
        ("wrong version number", "This port does not speak TLS at once: write `smtp://`, or the port for `smtps://`."),
        ("certificate verify failed", "Name the server as its certificate does, if need be with `?server_name=…`."),
        (" 535 ", "User and password stand in the URI, with `@`, `:` and `/` written as %40, %3A and %2F."),
        ("refused", "Check host and port, and that a firewall lets this machine through."),
        ("no connection within", "A firewall may be in the way; many networks block port 25. Try 587 or 465."),
        ("name or service not known", "Check how the host is spelled in `courier.smtp.connection_uri`."),
    ):
        if sign in said:
            return advice
    return ""


async def _service(outbound: Outbound, what: str, request: HttpRequest) -> Finding:
    try:
        if request.body:
            await documents.read(outbound, request.body)
    except Undelivered as error:
        return trouble(f"{what} cannot go to the service at {request.url}: {error}.", "Mend `request_config.body`.")
    return good(f"{what} go to the service at {request.url}. It was not called.")


# --- the words ----------------------------------------------------------------------------------------------------------


async def _templates(project: Project, db: ProjectDatabase | None, outbound: Outbound) -> list[Finding]:
    """Every template of the operator's is read and parsed, and those that were saved are tried once more."""
    found: list[Finding] = []
    own = 0
    for one in await saved.everything(db) if db else ():
        own += len(one.parts)
        if kind := kinds.BY_TYPE.get(one.template):
            verdict = await trial.judge(project, kind, one.parts, one.language)
            found += [trouble(f"A saved template fails. {told}.", _MEND) for told in verdict.mistakes]
    for kind in kinds.BY_PATH.values():
        for part in get_args(Part):
            try:
                sources = await render.sources_of(project, outbound, kind, part)
                if sources:
                    own += 1
                    templates.check(sources, "html" if part == "html" else "text")
            except (Undelivered, TemplateError) as error:
                found.append(trouble(f"The template {kind.path}/{render.FILES[part][0]} cannot be used: {error}."))
    return found or [
        good(f"Messages are in our words, {own} parts of them in yours." if own else "Messages are in our words.")
    ]


_MEND: Final = "The default is sent instead of this part. Save the template once more, without the mistake."


# --- the queue ----------------------------------------------------------------------------------------------------------


async def _queue(project: Project, db: ProjectDatabase | None, now: datetime) -> list[Finding]:
    if db is None:
        return [] if mailbox.is_only(project) else [_nobody(project)]
    found: list[Finding] = []
    seen, waiting = await store.last_seen(db), await store.oldest_due(db)
    overdue = waiting is not None and waiting < clock.after(now, -OVERDUE)
    if seen is not None and seen > clock.after(now, -3 * HEARTBEAT):
        found.append(good("A courier is running."))
    elif overdue:
        found.append(trouble(f"No courier is running, and messages wait since {waiting}.", _START))
    elif not mailbox.is_only(project):
        found.append(_nobody(project))
    given_up = await store.abandoned_since(db, clock.after(now, -_DAY))
    if given_up.count:
        last = f" The last one: {given_up.last.message}" if given_up.last else ""
        found.append(trouble(f"{given_up.count} messages were given up within a day.{last}", _LOOK))
    return found


def _nobody(project: Project) -> Finding:
    if project.config.watch_courier:
        return good("The server sends the messages itself, as soon as it runs.")
    return notice("No courier is running: messages will wait.", _START)


_START: Final = "Start the server with `--watch-courier`, or `limen courier watch` beside it."
_LOOK: Final = "Look at them: GET /admin/courier/messages?status=abandoned."
