"""Bodies and cookies of the operator's API."""

from __future__ import annotations

from email.utils import formatdate
from typing import TypeVar

import msgspec
from msgspec import Struct

from limen.core import clock
from limen.core.errors import ApiError
from limen.http.console.callers import COOKIE, base_url
from limen.http.kit import Call

T = TypeVar("T", bound=Struct)


async def read(call: Call, shape: type[T]) -> T:
    """The JSON body of a request.

    :raises ApiError: 400, it does not fit, and where; 413, it is too large
    """
    data = await call.body()
    try:
        return msgspec.json.decode(data or b"{}", type=shape)
    except msgspec.ValidationError as error:
        raise ApiError(400, "The body does not fit.", reason=f"{error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(400, "The body is not JSON.", reason=f"{error}.") from error


def session_cookie(call: Call, token: str, expires_at: str) -> tuple[str, str]:
    """The `Set-Cookie` that keeps a session token, or, when it is "", takes the cookie away."""
    until = formatdate(clock.parse(expires_at).timestamp() if token else 0, usegmt=True)
    secure = "; Secure" if _is_secure(call) else ""
    return ("set-cookie", f"{COOKIE}={token}; Path=/; Expires={until}; HttpOnly{secure}; SameSite=Lax")


def passing_cookie(call: Call, name: str, value: str, path: str, seconds: int) -> tuple[str, str]:
    """The `Set-Cookie` that keeps what the first of two calls says for the second one."""
    secure = "; Secure" if _is_secure(call) else ""
    return ("set-cookie", f"{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly{secure}; SameSite=Strict")


def _is_secure(call: Call) -> bool:
    """Where this port is known to have TLS; else as it is with the session's cookie of the public port."""
    project = call.site.project
    own = project.config.session.cookie.secure
    return base_url(call).startswith("https:") or (own if own is not None else not project.dev)
