"""What goes wrong with a provider, told twice: to the person what to do, to the operator's log why."""

from __future__ import annotations

from limen.core import errors, messages, reasons
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
    is_no = error == "access_denied"
    reason = reasons.PROVIDER_DENIED(name=name) if is_no else reasons.PROVIDER_REFUSED(name=name, said=said)
    return Trouble("authorize", said, _told(reason))


def no_code(name: str) -> Trouble:
    return Trouble(
        "callback",
        "the provider sent neither a code nor an error",
        _told(reasons.PROVIDER_SILENT(name=name)),
    )


def scope_missing(name: str, missing: str) -> Trouble:
    return Trouble("scope", f"the scope {missing} was not granted", _told(reasons.PROVIDER_SCOPE(name=name)))


def id_token_missing(name: str) -> Trouble:
    why = "the answer has no id_token; is the scope openid granted?"
    return Trouble("token", why, _told(reasons.PROVIDER_NAMELESS(name=name)))


def bad_id_token(name: str, why: str) -> Trouble:
    return Trouble("id_token", why, _told(reasons.PROVIDER_UNTRUSTED(name=name)))


def foreign_id_token(why: str) -> Trouble:
    """A token that an app brought does not hold."""
    answer = errors.ApiError(403, reason=f"The id_token cannot be accepted: {why}.")
    return Trouble("id_token", why, answer)


def upstream(name: str, step: str, why: str) -> Trouble:
    """The provider does not do what it should; nobody here can mend that."""
    return Trouble(step, why, errors.upstream_failed(reasons.PROVIDER_UNWELL(name=name)))


def unconfigured(name: str, why: str) -> Trouble:
    return Trouble("configuration", why, errors.misconfigured(reasons.PROVIDER_UNCONFIGURED(name=name)))
