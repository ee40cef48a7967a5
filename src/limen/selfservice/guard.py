"""Whether a submit comes from where its flow was opened: the browser with the right cookie, or an app without any."""

from __future__ import annotations

from limen.context import Context
from limen.core import csrf, errors
from limen.core.errors import ApiError
from limen.core.form import Form
from limen.flow.model import Flow

# Cookies that Cloudflare sets on its own: an app cannot help sending them.
_FOREIGN_COOKIES = ("__cf", "_cf", "cf_")


def check(ctx: Context, flow: Flow, form: Form) -> None:
    """:raises ApiError: 403, the browser's cookie and the form's token do not belong together
    :raises FormError: an app's flow, submitted by a browser
    """
    if flow.is_browser:
        if not csrf.fits(ctx.client.csrf, form.get(csrf_field)):
            raise violation(ctx, form)
        return
    if not ctx.project.enforces_api_flows:
        return
    if ctx.client.origin:
        raise errors.origin_needs_browser_flow()
    if names := [name for name in ctx.client.cookies if not name.startswith(_FOREIGN_COOKIES)]:
        raise errors.cookies_need_browser_flow(names)


def check_reader(ctx: Context, flow: Flow) -> None:
    """Only the browser that opened a flow may read it.

    :raises ApiError: 403, another one asks
    """
    if flow.is_browser and not flow.is_unguarded and not flow.is_readable_by(ctx.client.csrf):
        raise violation(ctx, Form({}), other="other_browser")


csrf_field = "csrf_token"


def violation(ctx: Context, form: Form, *, other: str = "csrf_pair") -> ApiError:
    """Why the browser was not recognised, as far as its request tells. `other`: the check, when the cookie came."""
    client = ctx.client
    check = "csrf_cookie"
    if not client.cookies:
        found = "There were no cookies with this request."
    elif ctx.project.csrf_cookie not in client.cookies:
        found = "There were cookies, but not the one that protects this form."
    elif not client.sends_json and not form.get(csrf_field):
        missing = "csrf_token" if other == "csrf_pair" else other
        return errors.csrf_violation(hint="The form was sent without its csrf_token field.", check=missing)
    else:
        check = other
        found = "The cookie and the form's token do not belong together."
    hint = (
        "The request was made by a script: let it send cookies (credentials: include), and list its origin in serve.public.cors."
        if client.is_ajax
        else "Open the page again in the same browser; a server that passes requests on has to pass the cookies on too."
    )
    return errors.csrf_violation(hint=hint, reject_reason=found, check=check)
