"""The operations of the public port. Names, parameters and their order are those that Kratos' clients are made from."""

from __future__ import annotations

from limen.http.openapi.operation import Operation

_SESSION = "@X-Session-Token, @Cookie"
_PAGES = "per_page: integer, page: integer, page_size: integer, page_token"
_NATIVE = "return_session_token_exchange_code: boolean, return_to, organization"
_WEAK = "errorAuthenticatorAssuranceLevelNotSatisfied"
_GONE = "selfServiceFlowExpiredError|errorFlowReplaced"
_ELSEWHERE = "errorBrowserLocationChangeRequired"
_READ = (400, 403, 404, 410)
_SUBMIT = (400, 401, 403, 404, 409, 410, 413, 429, 500, 502)
_START = (400, 401, 403, 500)


def _start(kind: str, *, native: str = "", browser: str = "", **more: str) -> tuple[Operation, Operation]:
    """How a flow of this kind is started: by an app, and in a browser."""
    name = kind.capitalize()
    elsewhere = {int(status.strip("_")): answer for status, answer in more.items()}
    return (
        Operation(
            id=f"createNative{name}Flow", method="GET", path=f"/self-service/{kind}/api", tag="frontend",
            says=f"Start a {kind} in an app", takes=native, answers={200: f"{kind}Flow", **elsewhere}, errors=_START,
        ),
        Operation(
            id=f"createBrowser{name}Flow", method="GET", path=f"/self-service/{kind}/browser", tag="frontend",
            says=f"Start a {kind} in a browser: a page is sent to its form, a script gets it", takes=browser,
            answers={200: f"{kind}Flow", 302: "", 303: "", **elsewhere}, errors=_START,
        ),
    )  # fmt: skip


def _go_on(kind: str, *, reader: str, submitter: str, answer: str) -> tuple[Operation, Operation]:
    """How a flow of this kind is read and submitted."""
    name, shown = kind.capitalize(), f"{kind}Flow"
    return (
        Operation(
            id=f"get{name}Flow", method="GET", path=f"/self-service/{kind}/flows", tag="frontend",
            says=f"Read a {kind}, to show its form", takes=f"id*, {reader}",
            answers={200: shown, 302: "", 303: "", 403: _WEAK}, errors=(*_READ, 401, 500),
        ),
        Operation(
            id=f"update{name}Flow", method="POST", path=f"/self-service/{kind}", tag="frontend",
            says=f"Submit the form of a {kind}", takes=f"flow*, {submitter}", body=f"update{name}FlowBody", form=True,
            answers={
                200: answer, 302: "", 303: "", 400: shown, 403: f"{_WEAK}|needsPrivilegedSessionError",
                410: _GONE, 422: _ELSEWHERE,
            },
            errors=_SUBMIT,
        ),
    )  # fmt: skip


OPERATIONS = (
    *_start(
        "login",
        native=f"refresh: boolean, aal, @X-Session-Token, {_NATIVE}, via, identity_schema",
        browser="refresh: boolean, aal, return_to, @Cookie, login_challenge, organization, via, identity_schema",
        _422=_ELSEWHERE,
    ),
    *_go_on("login", reader="@Cookie", submitter=_SESSION, answer="successfulNativeLogin"),
    *_start(
        "registration",
        native=f"{_NATIVE}, identity_schema",
        browser="return_to, login_challenge, after_verification_return_to, organization, identity_schema",
        _422=_ELSEWHERE,
    ),
    *_go_on("registration", reader="@Cookie", submitter="@Cookie", answer="successfulNativeRegistration"),
    *_start(
        "settings", native="@X-Session-Token, organization", browser="return_to, @Cookie, organization", _403=_WEAK
    ),
    *_go_on("settings", reader=_SESSION, submitter=_SESSION, answer="settingsFlow"),
    *_start("recovery", browser="return_to, skip_settings"),
    *_go_on("recovery", reader="@Cookie", submitter="token, @Cookie", answer="recoveryFlow"),
    *_start("verification", native="return_to", browser="return_to"),
    *_go_on("verification", reader="@cookie", submitter="token, @Cookie", answer="verificationFlow"),
    Operation(
        id="createBrowserLogoutFlow", method="GET", path="/self-service/logout/browser", tag="frontend",
        says="Make the link that signs a browser out", takes="@cookie, return_to",
        answers={200: "logoutFlow", 303: ""}, errors=(400, 401, 500),
    ),
    Operation(
        id="updateLogoutFlow", method="GET", path="/self-service/logout", tag="frontend",
        says="Sign a browser out", takes="token, return_to, @Cookie", answers={204: "", 303: ""}, errors=(400, 401, 403),
    ),
    Operation(
        id="performNativeLogout", method="DELETE", path="/self-service/logout/api", tag="frontend",
        says="Sign an app out", body="performNativeLogoutBody", answers={204: ""}, errors=(400, 403, 413),
    ),
    Operation(
        id="getFlowError", method="GET", path="/self-service/errors", tag="frontend",
        says="Read what went wrong, for the error page", takes="id*", answers={200: "flowError"}, errors=(403, 404, 500),
    ),
    Operation(
        id="toSession", method="GET", path="/sessions/whoami", tag="frontend",
        says="Whose session this is", takes=f"{_SESSION}, tokenize_as", answers={200: "session", 403: _WEAK},
        errors=(400, 401, 403, 500),
    ),
    Operation(
        id="listMySessions", method="GET", path="/sessions", tag="frontend",
        says="The person's other sessions", takes=f"{_PAGES}, {_SESSION}", answers={200: "session[]", 403: _WEAK},
        errors=(400, 401, 403),
    ),
    Operation(
        id="disableMyOtherSessions", method="DELETE", path="/sessions", tag="frontend",
        says="End all sessions but this one", takes=_SESSION, answers={200: "deleteMySessionsCount"}, errors=(400, 401),
    ),
    Operation(
        id="disableMySession", method="DELETE", path="/sessions/{id}", tag="frontend",
        says="End another session of the person", takes=f"id*, {_SESSION}", answers={204: ""}, errors=(400, 401),
    ),
    Operation(
        id="listMyTrustedDevices", method="GET", path="/sessions/trusted-devices", tag="frontend",
        says="The browsers in which the person is spared the second step", takes=_SESSION,
        answers={200: "trustedDevice[]", 403: _WEAK}, errors=(401, 403),
    ),
    Operation(
        id="forgetMyTrustedDevice", method="DELETE", path="/sessions/trusted-devices/{id}", tag="frontend",
        says="Ask for the second step in that browser again", takes=f"id*, {_SESSION}",
        answers={204: "", 403: _WEAK}, errors=(401, 403),
    ),
    Operation(
        id="exchangeSessionToken", method="GET", path="/sessions/token-exchange", tag="frontend",
        says="Exchange the codes of a sign-in in a system browser for a session", takes="init_code*, return_to_code*",
        answers={200: "successfulNativeLogin", 303: ""}, errors=(400, 403, 404, 410, 422),
    ),
    Operation(
        id="listIdentitySchemas", method="GET", path="/schemas", tag="identity",
        says="All identity schemas", takes=_PAGES, answers={200: "identitySchemas"},
    ),
    Operation(
        id="getIdentitySchema", method="GET", path="/schemas/{id}", tag="identity",
        says="An identity schema", takes="id*", answers={200: "identitySchema"}, errors=(404,),
    ),
    Operation(
        id="getWellKnownChangePassword", method="GET", path="/.well-known/change-password", tag="frontend",
        says="Where a password is changed (for password managers)", answers={303: ""},
    ),
    Operation(
        id="getWebAuthnJavaScript", method="GET", path="/.well-known/ory/webauthn.js", tag="frontend",
        says="The script that forms with security keys and passkeys load", answers={200: "webAuthnJavaScript"},
        kind="text/javascript",
    ),
    Operation(
        id="isAlive", method="GET", path="/health/alive", tag="metadata",
        says="Whether the server runs", answers={200: "healthStatus"},
    ),
    Operation(
        id="isReady", method="GET", path="/health/ready", tag="metadata",
        says="Whether the server can do its work", answers={200: "healthStatus"}, errors=(503,),
    ),
)  # fmt: skip
