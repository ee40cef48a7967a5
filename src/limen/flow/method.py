"""What a sign-in method is: a value made of functions, and the closed set of outcomes it may answer with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct

from limen.context import Context
from limen.core.errors import ApiError, LimenError, Told
from limen.core.form import Form
from limen.core.messages import Message
from limen.core.schema import Extracted, Path
from limen.db.database import Commit
from limen.flow.model import Flow, Situation, Submission
from limen.identity.model import Identity
from limen.session.model import Proof, Subject
from limen.social.claims import Claims
from limen.social.provider import Provider

Then = Callable[[Commit], None]


def all_of(*thens: Then | None) -> Then | None:
    """What does all of these; None when there is none."""
    real = [then for then in thens if then is not None]
    if len(real) < 2:
        return real[0] if real else None

    def then(commit: Commit) -> None:
        for each in real:
            each(commit)

    return then


class Passed(Struct, frozen=True):
    """Proved to be someone: a login's first or second factor."""

    identity: Identity
    proof: Proof
    before: Identity | None = None  # what the person was, when the sign-in changed it (a code was used up)
    overtaken: Callable[[], Exception] | None = None  # makes the error for another sign-in having been faster
    may_be_lost: bool = False  # the change of the person is worth writing down, but not worth failing for
    anew: bool = False  # a session of its own, also for somebody who has one
    then: Then | None = None


class Changed(Struct, frozen=True):
    """Wants an identity like this: a registration, or a change of settings."""

    traits: dict[str, Any]
    credentials: Mapping[str, dict[str, Any]] = {}  # configs to set, by type
    identifiers: Mapping[str, tuple[str, ...]] = {}  # of credentials whose identifiers are not traits, by type
    removed: tuple[str, ...] = ()  # credential types to take away
    verified: tuple[tuple[str, str], ...] = ()  # addresses (via, value) that were proved on the way
    proof: Proof | None = None
    keeps_flow: bool = True  # False: the flow changed too (a challenge was passed) and is stored with the rest
    more: Mapping[str, Any] = {}  # further fields of `Identity`, at a registration
    extracted: Extracted | None = None  # what the traits stand for, where that was looked up already
    then: Then | None = None


class Controls(Struct, frozen=True):
    """Reads this inbox: a verification or a recovery. `by_admin`: the proof was handed out by an operator."""

    identity_id: str
    via: str
    address: str
    proof: Proof | None = None
    by_admin: bool = False
    echoes: bool = True  # the answer repeats the transient payload
    page: bool = False  # a link was opened: the answer is a page, whoever asks
    then: Then | None = None


class Shown(Struct, frozen=True):
    """Look again: a code was sent, the next form is up. The flow is stored as it is now; an intermediate step.

    `claims_flow`: the flow goes over to this browser, because the link in a message was opened in it.
    `even`: it must not show whether the person who was named is known; the answer takes the same time for everybody.
    """

    flow: Flow
    status: int = 400  # Kratos answers 400 to scripts and apps for a step that is not the last one
    claims_flow: bool = False
    even: bool = False
    echoes: bool = True  # the answer repeats the transient payload
    then: Then | None = None


class Identified(Struct, frozen=True):
    """Said who they are, not proved yet: the first step of a sign-in in two. `identity` is None for a stranger."""

    named: str
    identity: Identity | None


class Next(Struct, frozen=True):
    """Another form of the same flow, to be drawn by all methods, with these traits in it."""

    situation: Situation
    traits: dict[str, Any] = {}


class Sent(Struct, frozen=True):
    """Go elsewhere first, such as to a provider. `paused`: what the browser has to bring back, by name."""

    url: str
    paused: Mapping[str, str] | None = None
    may_be_lost: bool = False  # the change of the flow is not worth failing for
    then: Then | None = None


class Arrived(Struct, frozen=True, kw_only=True):
    """Proved to be somebody at a provider; whether that is anybody here is not known yet. The tokens are sealed."""

    provider: Provider
    claims: Claims
    tokens: Mapping[str, str] = {}
    traits: dict[str, Any] = {}  # what the form added to what the provider says
    native: bool = False  # an app brought the id token itself: nobody waits in a browser
    then: Then | None = None


Outcome = Passed | Changed | Controls | Identified | Shown | Next | Sent | Arrived


class FreshSignInNeeded(LimenError):
    """A change that only somebody who signed in a moment ago may make."""


class Unclaimed(LimenError):
    """The submit is for nobody: it names another method, or none."""


class AlreadySignedIn(LimenError):
    """Something that only makes sense for people who are signed out."""


class SecondStepNeeded(FreshSignInNeeded):
    """A change of what protects an account with a second factor, which was not used in this session yet."""


class StartAgain(LimenError):
    """This flow is over; the person goes on in a new one that shows the message, or what is `told`.

    `page`: a link was opened, so whoever asks is in a browser and the new flow is one for pages. `error` is what
    scripts get instead of the plain message, where they are told what comes next. `csrf`: the browser's new secret, where
    one was made already.
    """

    def __init__(
        self,
        message: Message,
        *,
        page: bool = False,
        error: ApiError | None = None,
        told: tuple[Told, ...] | None = None,
        csrf: str = "",
    ) -> None:
        super().__init__()
        self.message = message
        self.csrf = csrf
        self.told = ((message, ""),) if told is None else told
        self.page = page
        self.error = error


Draw = Callable[[Context, Flow, Subject | None], Awaitable[None]]
Identify = Callable[[Context, Flow, Identity | None], Awaitable[bool]]
AtOnce = Callable[[Context, Flow, Identity, str, Submission], Awaitable[Outcome | None]]
Submit = Callable[[Context, Flow, Any, Submission, Subject | None], Awaitable[Outcome]]


def always(_: Any) -> bool:
    return True


def never(_: Any) -> bool:
    return False


class Announcement(Struct, frozen=True):
    """How a flow begins with its message sent already: what the form adds to that, and the minting and queuing."""

    draw: Callable[[Flow, str, str], None]  # with the address: (via, value)
    issue: Callable[[Commit, Context, Flow, dict[str, Any], Identity, str, str], None]


def nothing(_: Any) -> tuple[str, ...]:
    return ()


class Part(Struct, frozen=True, kw_only=True):
    """What a method does in one kind of flow.

    `serves` says whether it takes part in a flow at all, whatever is switched on (None: it does); `claims` whether a
    submit is meant for it (None: `method` names it); `draw` puts its nodes into `flow.ui`, for
    the form that `flow.situation` names; `form` is what its submit is decoded into; `refused` mends the form after an
    error, given what was submitted as far as it could be read.

    In a sign-in by identifier first, `identified` draws what this person can use (None: a stranger) and says whether
    that is anything; `at_once` takes the next step unasked when there is no other way (given who was named).
    """

    form: type[Struct]
    draw: Draw
    submit: Submit
    claims: Callable[[Flow, Form], bool] | None = None
    serves: Callable[[Context, Flow], bool] | None = None
    draws_token: bool = True  # its form has the field of the anti-forgery token, for apps too
    required: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()  # fields that hold an e-mail address, when they are sent
    also_required: Callable[[Any], tuple[str, ...]] = nothing  # what else has to be sent, given what was
    choices: Mapping[str, tuple[str, ...]] = {}  # what a field may say, when it is sent
    reads_first: bool = False  # a mistake in the form is told even when the method is switched off
    csrf: Callable[[Any], bool] = always
    traits: bool = False  # the form carries traits
    checks_traits: bool = True  # which must fit the schema
    by_link: bool = False  # may be submitted with GET, from a link
    paths: tuple[Path, ...] = ()  # fields inside of fields, such as `upstream_parameters.prompt`
    privileged: Callable[[Any], bool] = never  # needs a fresh sign-in, whatever it changes
    guards_factors: bool = False  # who has a second factor has to use it first, whatever the configuration says
    refused: Callable[[Flow, Any], None] | None = None
    identified: Identify | None = None
    at_once: AtOnce | None = None
    announce: Announcement | None = None
    keeps_messages: bool = False  # a refusal adds to what the form said before
    steady: bool = False  # what it draws for a stranger depends on the configuration alone, so it is drawn once


class Method(Struct, frozen=True, kw_only=True):
    """A way to sign in: one file in `methods`, one line in `methods/__init__.py`."""

    id: str  # `method` on the wire, credential type and node group
    login: Part | None = None
    registration: Part | None = None
    settings: Part | None = None
    recovery: Part | None = None
    verification: Part | None = None

    def part(self, kind: str) -> Part | None:
        found: Part | None = getattr(self, kind)
        return found
