"""Where a person can go on from a page: only what the configuration offers, and always with the way back kept."""

from __future__ import annotations

from msgspec import Struct

from limen.core import urls
from limen.flow.model import Flow
from limen.http.pages.words import Words
from limen.project.model import Kind, Project


class Link(Struct, frozen=True):
    """`lead` is what stands before the link, as in "No account yet? Create one"."""

    label: str
    url: str
    lead: str = ""


def offers(project: Project, kind: Kind) -> bool:
    """Whether a person can do this here at all."""
    flows = project.config.selfservice.flows
    match kind:
        case "registration":
            return flows.registration.enabled
        case "recovery":
            return flows.recovery.enabled
        case "verification":
            return flows.verification.enabled
    return True


def start(project: Project, kind: Kind, return_to: str = "") -> str:
    """Where a new form of this kind is made."""
    url = urls.join(project.public_url, f"/self-service/{kind}/browser")
    return urls.with_query(url, {"return_to": return_to}) if return_to else url


def beside(project: Project, flow: Flow, words: Words, *, asks_password: bool, waits: bool) -> list[Link]:
    """The links below a form. `waits`: a message is on its way."""
    to = flow.return_to
    found: list[Link] = []
    match flow.kind:
        case "login" if flow.situation in ("first", "identify", "identified"):
            if waits or flow.situation == "identified":
                found.append(Link(words("link.other_account"), start(project, "login", to)))
            elif offers(project, "recovery"):
                key = "link.forgot_password" if asks_password else "link.cannot_sign_in"
                found.append(Link(words(key), start(project, "recovery", to)))
            if offers(project, "registration") and not waits:
                label = words("link.create_account")
                found.append(Link(label, start(project, "registration", to), words("page.login.no_account")))
        case "registration":
            sign_in = words("link.sign_in")
            found.append(Link(sign_in, start(project, "login", to), words("page.registration.have_account")))
        case "recovery" | "verification":
            if waits and flow.state != "passed_challenge":
                found.append(Link(words("link.other_address"), start(project, flow.kind, to)))
            if flow.kind == "recovery":
                found.append(Link(words("link.sign_in_instead"), start(project, "login", to)))
            elif flow.state != "passed_challenge":
                found.append(Link(words("link.home"), urls.join(project.public_url, "/ui/")))
        case "settings":
            found.append(Link(words("link.account"), urls.join(project.public_url, "/ui/")))
    return found
