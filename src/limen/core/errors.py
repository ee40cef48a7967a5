"""What can go wrong, declared once: `FormError` when the person can mend it, `ApiError` when a caller or operator must.

Ids, status codes and which parts an answer has are Kratos'; the sentences are ours. The list is in docs/reference/errors.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from limen.core import messages
from limen.core.messages import Message

Told = tuple[Message, str]  # a message and the node it belongs to ("" for the form)


class LimenError(Exception):
    """Every error that is meant. `then` adds what must be written although the submit failed (an attempt used).

    `check` names what was not passed, and `facts` are what is known about it, for the trace that an operator may ask for
    (see http/why.py): neither is sent, and no secret may be in them.
    """

    def __init__(
        self, then: Callable[[Any], None] | None = None, *, check: str = "", facts: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self.then, self.check, self.facts = then, check, dict(facts or {})


class FormError(LimenError):
    """The form comes back with these messages. `whom`: the id of the person who was not let in by it."""

    def __init__(
        self,
        *told: Told,
        then: Callable[[Any], None] | None = None,
        check: str = "",
        facts: Mapping[str, str] | None = None,
        whom: str = "",
    ) -> None:
        super().__init__(then, check=check, facts=facts)
        self.told: tuple[Told, ...] = told
        self.whom = whom

    @property
    def ids(self) -> list[int]:
        return [message.id for message, _ in self.told]

    def __str__(self) -> str:
        return "; ".join(f"{field or 'form'}: {message.text} ({message.id})" for message, field in self.told)


def form_error(
    message: Message,
    field: str = "",
    *,
    then: Callable[[Any], None] | None = None,
    check: str = "",
    facts: Mapping[str, str] | None = None,
    whom: str = "",
) -> FormError:
    """One message, on a node or, without a name, on the form."""
    return FormError((message, field), then=then, check=check, facts=facts, whom=whom)


class ApiError(LimenError):
    """An error answer: an HTTP status, perhaps an id, what happened (`message`) and what to do about it (`reason`).

    `details` goes into the envelope, `top` beside it. `code` is the status named in the body where it differs. `debug` is
    what another server said: the error page is told, the answer itself does not repeat it.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        *,
        id: str = "",  # noqa: A002 - the wire's name
        reason: str = "",
        details: Mapping[str, Any] | None = None,
        top: Mapping[str, Any] | None = None,
        code: int = 0,
        headers: Mapping[str, str] | None = None,
        debug: str = "",
        then: Callable[[Any], None] | None = None,
        check: str = "",
        facts: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(then, check=check, facts=facts)
        self.status = status
        self.code = code or status
        self.id = id
        self.message = message or GENERIC.get(self.code, HTTPStatus(self.code).phrase)
        self.reason = reason
        self.details = dict(details or {})
        self.top = dict(top or {})
        self.headers = dict(headers or {})
        self.debug = debug

    def __str__(self) -> str:
        return f"{self.status} {self.id or '-'}: {self.message} {self.reason}".rstrip()

    def envelope(self, request_id: str = "") -> dict[str, Any]:
        """The body as it is sent."""
        error: dict[str, Any] = {"code": self.code, "status": HTTPStatus(self.code).phrase}
        if self.id:
            error["id"] = self.id
        if request_id:
            error["request"] = request_id
        if self.reason:
            error["reason"] = self.reason
        if self.details:
            error["details"] = self.details
        error["message"] = self.message
        return error

    def kept(self) -> dict[str, Any]:
        """The same, as it is kept for the error page."""
        return {**self.envelope(), **({"debug": self.debug} if self.debug else {})}

    def body(self, request_id: str = "") -> dict[str, Any]:
        return {"error": self.envelope(request_id), **self.top}


SWITCHED_OFF = "flow_disabled"  # the check of a flow that is not offered here

GENERIC: dict[int, str] = {
    400: "This request is malformed or has invalid parameters.",
    401: "This request needs a valid session.",
    403: "This is not allowed.",
    404: "Nothing was found here.",
    405: "This address does not answer that method.",
    409: "This clashes with something that exists already.",
    410: "This is no longer available: it expired or was used.",
    413: "The request body is too large.",
    422: "The browser has to go on at another address.",
    429: "Too many requests right now.",
    500: "Something went wrong on our side.",
    502: "A service this server depends on answered badly.",
    503: "This server is not ready.",
    504: "A service this server depends on did not answer in time.",
}


# --- anybody ----------------------------------------------------------------------------------------------------------


def bad_request(reason: str, **more: Any) -> ApiError:
    return ApiError(400, reason=reason, **more)


def not_found(reason: str = "") -> ApiError:
    return ApiError(404, reason=reason)


def row_not_found() -> ApiError:
    return ApiError(404, "There is no such record.")


def conflict(reason: str = "") -> ApiError:
    return ApiError(409, reason=reason)


def too_busy(seconds: int) -> ApiError:
    return ApiError(
        429,
        reason=f"More passwords are being checked than this server can handle. Try again in {seconds} s.",
        headers={"Retry-After": str(seconds)},
    )


def body_too_large(limit: int) -> ApiError:
    return ApiError(413, reason=f"A request body may have at most {limit} bytes.")


def misconfigured(reason: str) -> ApiError:
    return ApiError(500, "The configuration does not fit.", id="invalid_configuration", reason=reason)


def untyped(message: str, status: int = 400) -> ApiError:
    """What Kratos answers for a fault it did not foresee inside a submit: code 500 in a 400 (quirks, "follow")."""
    return ApiError(status, message, code=500)


def endpoint_disabled() -> ApiError:
    return ApiError(404, reason="This sign-in method is switched off here. An administrator can switch it on.")


# --- sessions -----------------------------------------------------------------------------------------------------------


def no_session() -> ApiError:
    return ApiError(401, reason="There is no valid session cookie or session token with this request.")


def session_inactive(*, marked: bool = False) -> ApiError:
    """`marked`: with the field that Kratos lets slip out of its settings for browsers."""
    return ApiError(
        401,
        id="session_inactive",
        reason="There is no active session. Sign in and try again.",
        top={"CredentialsMissing": False} if marked else None,
    )


def session_already_available(what: str) -> ApiError:
    return ApiError(
        400,
        "There is a session already.",
        id="session_already_available",
        reason=f"Sign out first: {what} needs no session.",
    )


def aal1_required() -> ApiError:
    return ApiError(
        401,
        "A second factor needs a session first.",
        id="session_aal1_required",
        reason="Sign in with a first factor, then ask for the second one.",
    )


def aal2_required(url: str) -> ApiError:
    return ApiError(
        403,
        "A second factor is required.",
        id="session_aal2_required",
        reason="This account has a second factor, and it has not been used in this session yet.",
        details={"redirect_browser_to": url},
        top={"redirect_browser_to": url},
    )


def factor_required(url: str) -> ApiError:
    """The id is the one of a missing second step, so that every client already knows what to do: go there."""
    return ApiError(
        403,
        "A second factor has to be set up.",
        id="session_aal2_required",
        reason="This account needs a second factor and has none yet. Set one up in the settings, then go on.",
        details={"redirect_browser_to": url},
        top={"redirect_browser_to": url},
    )


def too_weak(missing: str, url: str) -> ApiError:
    """What a session lacks: the second step (`step`), or a second factor at all (`factor`)."""
    return factor_required(url) if missing == "factor" else aal2_required(url)


def refresh_required(url: str) -> ApiError:
    return ApiError(
        403,
        "The session is too old for this change.",
        id="session_refresh_required",
        reason="Sign in once more, then make the change again.",
        top={"redirect_browser_to": url},
    )


def address_not_verified(continue_with: Sequence[Mapping[str, Any]]) -> ApiError:
    return ApiError(
        403,
        "No address of this account is verified yet.",
        code=400,
        id="session_verified_address_required",
        reason="A message with a code is on its way. Verify the address, then sign in.",
        details={"continue_with": list(continue_with)},
    )


def upstream_failed(reason: str) -> ApiError:
    return ApiError(502, id="upstream_error", reason=reason)


def hook_refused(status: int) -> ApiError:
    return ApiError(
        502,
        f"A step that belongs to this was answered with {status}.",
        reason="A service that this server's operator set up answered badly. Try again later.",
    )


def hook_timed_out() -> ApiError:
    return ApiError(504, reason="A service that this server's operator set up did not answer in time. Try again later.")


def hook_failed() -> ApiError:
    """A web hook could not be called, or its answer not be read: in Kratos a fault without a type."""
    return untyped("A step that this server's operator set up failed. Try again later.")


def login_request_failed(reason: str, *, status: int | None, hint: str | None, debug: str, fault: bool) -> ApiError:
    """The OAuth 2.0 server did not answer as asked. `fault`: it is at fault, not who came with the login request."""
    details: dict[str, Any] = {}
    if status is not None:
        details["status_code"] = status
    if hint is not None:
        details["oauth2_error_hint"] = hint
    return ApiError(500 if fault else 400, reason=reason, details=details, debug=debug)


def identity_disabled(id_: str) -> FormError:
    return form_error(messages.IDENTITY_DISABLED(), whom=id_)


# --- flows --------------------------------------------------------------------------------------------------------------


def flow_id_missing() -> ApiError:
    return bad_request("The query parameter `flow` is missing or is not a flow id.")


def flow_disabled(what: str) -> ApiError:
    return ApiError(
        400, f"{what} is switched off.", id="self_service_flow_disabled", reason=f"{what} is not offered here."
    )


def recovery_disabled() -> ApiError:
    return bad_request("Recovery is switched off here.", check=SWITCHED_OFF)


def verification_disabled() -> ApiError:
    return bad_request("Verification is switched off here.", check=SWITCHED_OFF)


def flow_gone(
    what: str, details: Mapping[str, Any], *, with_id: bool = True, facts: Mapping[str, str] | None = None
) -> ApiError:
    return ApiError(
        410,
        id="self_service_flow_expired" if with_id else "",
        reason=f"This {what} flow has expired. Start a new one.",
        details=details,
        facts=facts,
    )


def flow_expired(
    flow_id: str,
    expired_at: str,
    since_ns: int,
    *,
    details: Mapping[str, Any] | None = None,
    facts: Mapping[str, str] | None = None,
) -> ApiError:
    return ApiError(
        410,
        "The flow has expired.",
        id="self_service_flow_expired",
        reason="It was open for too long. Use the new flow named here.",
        details=details,
        top={"expired_at": expired_at, "since": since_ns, "use_flow_id": flow_id},
        facts=facts,
    )


def flow_replaced(flow_id: str) -> ApiError:
    return ApiError(
        410,
        "The flow was replaced by another one.",
        id="self_service_flow_replaced",
        reason="Go on with the flow named here.",
        top={"use_flow_id": flow_id},
    )


def location_change_required(url: str) -> ApiError:
    return ApiError(
        422,
        id="browser_location_change_required",
        reason=f"To go on, send the browser to {url}",
        top={"redirect_browser_to": url},
    )


def null_character() -> ApiError:
    return bad_request("The character U+0000 cannot stand in any text here.")


def return_to_forbidden(url: str) -> ApiError:
    return ApiError(
        400,
        check="return_to",
        facts={"found": url.partition("?")[0].partition("#")[0]},
        id="self_service_flow_return_to_forbidden",
        reason=f"The address {url!r} is not in selfservice.allowed_return_urls.",
    )


def return_to_unreadable(text: str) -> ApiError:
    return ApiError(400, reason=f"The return_to {text!r} is no address.")


def identity_mismatch() -> ApiError:
    return ApiError(
        403,
        "This belongs to another account.",
        id="security_identity_mismatch",
        reason="The settings page was opened by another account. Open it again.",
    )


def csrf_violation(*, hint: str, reject_reason: str = "", check: str = "") -> ApiError:
    details = {"docs": "https://www.ory.com/docs/troubleshooting/csrf", "hint": hint}
    if reject_reason:
        details["reject_reason"] = reject_reason
    return ApiError(
        403,
        "The request was refused because it may have been forged by another site.",
        id="security_csrf_violation",
        reason="Open the page again. If that does not help, remove this site's cookies first.",
        details=details,
        check=check,
    )


def origin_needs_browser_flow() -> FormError:
    return form_error(
        messages.GENERIC(
            reason="The request has an Origin header, so it comes from a browser, but this flow was started by an app. "
            "Browsers start flows at the /browser address."
        ),
        check="app_flow",
        facts={"found": "an Origin header"},
    )


def cookies_need_browser_flow(names: Sequence[str]) -> FormError:
    listed = ", ".join(names)
    return form_error(
        messages.GENERIC(
            reason=f"The request has cookies ({listed}), so it comes from a browser, but this flow was started by an app. "
            "Browsers start flows at the /browser address."
        ),
        check="app_flow",
        facts={"found": f"the cookies {listed}"},
    )


def bad_body(reason: str) -> FormError:
    """A body that could not be read: told on the form, as every 400 inside a flow is."""
    return form_error(messages.GENERIC(reason=reason))
