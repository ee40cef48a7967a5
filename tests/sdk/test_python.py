"""The official Python SDK, as an app with a session token and as a server that passes a browser's cookies on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from ory_kratos_client import (
    ApiClient,
    ApiException,
    ApiResponse,
    Configuration,
    CreateIdentityBody,
    FrontendApi,
    IdentityApi,
    JsonPatch,
    LoginFlow,
    PerformNativeLogoutBody,
    RegistrationFlow,
    Session,
    UpdateLoginFlowBody,
    UpdateLoginFlowWithPasswordMethod,
    UpdateRegistrationFlowBody,
    UpdateRegistrationFlowWithPasswordMethod,
)

from tests.support.callers import PASSWORD
from tests.support.server import LiveServer

EMAIL = "ann@example.org"
TRAITS = {"email": EMAIL, "name": "Ann"}
# Clients whose connections stay open would be told of by Python when they are collected.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


def sign_up_with(**more: Any) -> UpdateRegistrationFlowBody:
    values = {"method": "password", "password": PASSWORD, "traits": TRAITS, **more}
    return UpdateRegistrationFlowBody(UpdateRegistrationFlowWithPasswordMethod(**values))


def sign_in_with(password: str = PASSWORD, **more: Any) -> UpdateLoginFlowBody:
    values = {"method": "password", "identifier": EMAIL, "password": password, **more}
    return UpdateLoginFlowBody(UpdateLoginFlowWithPasswordMethod(**values))


@pytest.fixture
def front(server: LiveServer) -> Iterator[FrontendApi]:
    with ApiClient(Configuration(host=server.public.rstrip("/"))) as client:
        yield FrontendApi(client)


@pytest.fixture
def admin(server: LiveServer) -> Iterator[IdentityApi]:
    with ApiClient(Configuration(host=server.admin.rstrip("/"))) as client:
        yield IdentityApi(client)


def assert_signed_out(front: FrontendApi, **who: str) -> None:
    with pytest.raises(ApiException) as refused:
        front.to_session(**who)
    assert refused.value.status == 401


# --- an app -----------------------------------------------------------------------------------------------------------


def app_sign_in(front: FrontendApi) -> tuple[str, Session]:
    flow = front.create_native_login_flow()
    done = front.update_login_flow(flow=flow.id, update_login_flow_body=sign_in_with())
    assert done.session_token
    return done.session_token, done.session


def test_an_app(front: FrontendApi) -> None:
    flow = front.create_native_registration_flow()
    signed_up = front.update_registration_flow(flow=flow.id, update_registration_flow_body=sign_up_with())
    token = signed_up.session_token
    me = front.to_session(x_session_token=token)
    assert (me.active, me.identity.id, me.identity.traits) == (True, signed_up.identity.id, TRAITS)
    assert front.list_my_sessions(x_session_token=token) == []

    phone, session = app_sign_in(front)
    tablet, _ = app_sign_in(front)
    listed = front.list_my_sessions(x_session_token=token)
    assert {one.id for one in listed} == {front.to_session(x_session_token=t).id for t in (phone, tablet)}
    front.disable_my_session(id=session.id, x_session_token=token)
    assert_signed_out(front, x_session_token=phone)
    assert front.disable_my_other_sessions(x_session_token=token).count
    assert_signed_out(front, x_session_token=tablet)

    front.perform_native_logout(perform_native_logout_body=PerformNativeLogoutBody(session_token=token))
    assert_signed_out(front, x_session_token=token)


def test_a_refused_form_is_a_flow_again(front: FrontendApi) -> None:
    flow = front.create_native_login_flow()
    with pytest.raises(ApiException) as refused:
        front.update_login_flow(flow=flow.id, update_login_flow_body=sign_in_with("wrong-password-1"))
    again = LoginFlow.from_json(str(refused.value.body))
    assert (refused.value.status, again.id, [told.id for told in again.ui.messages]) == (400, flow.id, [4000006])

    registration = front.create_native_registration_flow()
    body = sign_up_with(traits={"email": "no address"})
    with pytest.raises(ApiException) as refused:
        front.update_registration_flow(flow=registration.id, update_registration_flow_body=body)
    form = RegistrationFlow.from_json(str(refused.value.body))
    told = {node.attributes.actual_instance.name: [m.id for m in node.messages] for node in form.ui.nodes}
    assert told["traits.email"] == [4000040]


# --- a server behind a browser ----------------------------------------------------------------------------------------


class Browser:
    """The cookies of a browser, sent and kept as a server that renders its own pages does."""

    def __init__(self) -> None:
        self.jar: dict[str, str] = {}

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.jar.items())

    def keep(self, answer: ApiResponse[Any]) -> Any:
        """Take the cookies of an answer; returns what the answer holds. The SDK joins headers of one name by commas."""
        joined = (answer.headers or {}).get("set-cookie", "")
        for cookie in re.split(r", (?=[^ ;,]+=)", joined) if joined else ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.jar.pop(name, None)
            if "Max-Age=0" not in cookie:
                self.jar[name] = value
        return answer.data


def csrf_of(flow: LoginFlow | RegistrationFlow) -> str:
    return next(
        str(node.attributes.actual_instance.value)
        for node in flow.ui.nodes
        if node.attributes.actual_instance.name == "csrf_token"
    )


def browser_sign_in(front: FrontendApi) -> Browser:
    browser = Browser()
    flow = browser.keep(front.create_browser_login_flow_with_http_info())
    body = sign_in_with(csrf_token=csrf_of(flow))
    sent = {"flow": flow.id, "update_login_flow_body": body, "cookie": browser.cookie}
    browser.keep(front.update_login_flow_with_http_info(**sent))
    return browser


def test_a_browser(front: FrontendApi) -> None:
    here = Browser()
    flow = here.keep(front.create_browser_registration_flow_with_http_info())
    assert front.get_registration_flow(id=flow.id, cookie=here.cookie).id == flow.id
    body = sign_up_with(csrf_token=csrf_of(flow))
    sent = {"flow": flow.id, "update_registration_flow_body": body, "cookie": here.cookie}
    signed_up = here.keep(front.update_registration_flow_with_http_info(**sent))
    assert front.to_session(cookie=here.cookie).identity.id == signed_up.identity.id

    elsewhere, third = browser_sign_in(front), browser_sign_in(front)
    other = front.to_session(cookie=elsewhere.cookie)
    assert other.id in {one.id for one in front.list_my_sessions(cookie=here.cookie)}
    front.disable_my_session(id=other.id, cookie=here.cookie)
    assert_signed_out(front, cookie=elsewhere.cookie)
    assert front.disable_my_other_sessions(cookie=here.cookie).count
    assert_signed_out(front, cookie=third.cookie)

    link = front.create_browser_logout_flow(cookie=here.cookie)
    here.keep(front.update_logout_flow_with_http_info(token=link.logout_token, cookie=here.cookie))
    assert "ory_kratos_session" not in here.jar
    assert_signed_out(front, cookie=here.cookie)


# --- an operator's script ---------------------------------------------------------------------------------------------


def test_an_operators_script(front: FrontendApi, admin: IdentityApi) -> None:
    body = {"password": {"config": {"password": PASSWORD}}}
    made = admin.create_identity(
        CreateIdentityBody.from_dict({"schema_id": "default", "traits": TRAITS, "credentials": body})
    )
    assert [one.id for one in admin.list_identities()] == [made.id]
    token, session = app_sign_in(front)
    assert [one.id for one in admin.list_identity_sessions(id=made.id)] == [session.id]
    patch = [JsonPatch(op="replace", path="/traits/name", value="Ann Example")]
    assert admin.patch_identity(id=made.id, json_patch=patch).traits["name"] == "Ann Example"
    assert admin.get_identity(id=made.id).traits["name"] == "Ann Example"
    admin.disable_session(id=session.id)
    assert_signed_out(front, x_session_token=token)
    admin.delete_identity(id=made.id)
    with pytest.raises(ApiException) as refused:
        admin.get_identity(id=made.id)
    assert refused.value.status == 404
