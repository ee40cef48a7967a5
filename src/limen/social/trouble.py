"""What goes wrong with a provider, told twice: to the person what to do, to the operator's log why."""

from __future__ import annotations

from limen.core import errors, messages
from limen.core.errors import LimenError


class Trouble(Exception):
    """`answer` is what the person gets; `step` and `why` are for the log, without any secret or claim in them."""

    def __init__(self, step: str, why: str, answer: LimenError) -> None:
        super().__init__(f"{step}: {why}")
        self.step, self.why, self.answer = step, why, answer


def _told(reason: str) -> LimenError:
    return errors.form_error(messages.GENERIC(reason=reason))


def denied(name: str, error: str, description: str) -> Trouble:
    """The provider sent the person back with an error (RFC 6749, §4.1.2.1). Its words are cut: anybody can write them."""
    said = f"{error[:60]}: {description[:200]}" if description else error[:60]
    if error == "access_denied":
        reason = f"{name} says that you did not agree to sign in here. Try again and agree, or sign in another way."
    else:
        reason = f"{name} could not sign you in ({said}). Try again, or sign in another way."
    return Trouble("authorize", said, _told(reason))


def no_code(name: str) -> Trouble:
    return Trouble(
        "callback",
        "the provider sent neither a code nor an error",
        _told(f"{name} sent you back without an answer. Try again."),
    )


def scope_missing(name: str, missing: str) -> Trouble:
    why = f"the scope {missing} was not granted"
    return Trouble(
        "scope", why, _told(f"{name} was not allowed to tell all that is needed here. Try again and agree to it.")
    )


def id_token_missing(name: str) -> Trouble:
    reason = f"{name} did not say who you are. Try again and agree to it."
    return Trouble("token", "the answer has no id_token; is the scope openid granted?", _told(reason))


def bad_id_token(name: str, why: str) -> Trouble:
    return Trouble("id_token", why, _told(f"What {name} says about you cannot be trusted: {why}. Try again."))


def foreign_id_token(why: str) -> Trouble:
    """A token that an app brought does not hold."""
    answer = errors.ApiError(403, reason=f"The id_token cannot be accepted: {why}.")
    return Trouble("id_token", why, answer)


def upstream(name: str, step: str, why: str) -> Trouble:
    """The provider does not do what it should; nobody here can mend that."""
    reason = f"{name} does not answer as it should. Try again in a moment, or sign in another way."
    return Trouble(step, why, errors.upstream_failed(reason))


def unconfigured(name: str, why: str) -> Trouble:
    reason = (
        f"Signing in with {name} is not set up as it should be. The operator of this site finds the reason in the log."
    )
    return Trouble("configuration", why, errors.misconfigured(reason))
