"""What is sent: the components that answers are made of, under the names that Kratos' clients know."""

from __future__ import annotations

from typing import get_args

from limen.core.ui import InputType
from limen.http.openapi.shape import Schema, choice, nullable, obj, of, one_of

CREDENTIAL_TYPES = (
    "password", "oidc", "totp", "lookup_secret", "webauthn", "code", "passkey", "profile", "saml", "deviceauthn",
    "identifier_first", "link_recovery", "code_recovery",
)  # fmt: skip
GROUPS = (
    "default", "password", "oidc", "profile", "link", "code", "totp", "lookup_secret", "webauthn", "passkey",
    "identifier_first", "captcha", "saml", "deviceauthn",
)  # fmt: skip
TRIGGERS = (
    "oryWebAuthnRegistration", "oryWebAuthnLogin", "oryPasskeyLogin", "oryPasskeyLoginAutocompleteInit",
    "oryPasskeyRegistration", "oryPasskeySettingsRegistration",
)  # fmt: skip
_FLOW = "id*: uuid, type*: selfServiceFlowType, state*: any, ui*: uiContainer, return_to, active"
_TIMES = "issued_at*: time, expires_at*: time, request_url*"

_ERRORS: dict[str, Schema] = {
    "genericError": obj("message*, code: integer, status, id, reason, request, debug, details: object"),
    "errorGeneric": obj("error*: genericError, CredentialsMissing: boolean"),
    "errorBrowserLocationChangeRequired": obj("error: errorGeneric, redirect_browser_to"),
    "errorFlowReplaced": obj("error: genericError, use_flow_id: uuid"),
    "selfServiceFlowExpiredError": obj("error: genericError, expired_at: time, since: Duration, use_flow_id: uuid"),
    "errorAuthenticatorAssuranceLevelNotSatisfied": obj("error: genericError, redirect_browser_to"),
    "needsPrivilegedSessionError": obj("error: genericError, redirect_browser_to*"),
    "flowError": obj("id*: uuid, error: object, created_at: time, updated_at: time"),
    "Duration": of("integer"),
}
# Kratos' document says errorGeneric where a plain error stands: what is sent has to fit.
_ERRORS["errorBrowserLocationChangeRequired"]["properties"]["error"] = of("genericError")

_SMALL: dict[str, Schema] = {
    "NullUUID": nullable({"type": "string", "format": "uuid4"}),
    "nullTime": nullable(of("time")),
    "nullJsonRawMessage": {},
    "JSONRawMessage": of("object"),
    "healthStatus": obj("status"),
    "healthNotReadyStatus": obj("errors: {string}"),
    "version": obj("version"),
    "traceFlow": obj("id: uuid, kind"),
    "traceCause": obj("check*, expected*, found*, fix"),
    "trace": obj(
        "id*: uuid, request_id*, at*: time, step*, status*: integer, flow*: traceFlow, method*, error_id*, "
        "causes*: traceCause[]"
    ),
    "webAuthnJavaScript": of("string"),
    "selfServiceFlowType": of("string"),
    "authenticatorAssuranceLevel": of("'aal0|aal1|aal2|aal3'"),
}

_UI: dict[str, Schema] = {
    "uiContainer": obj("action*, method*, nodes*: any, messages: uiTexts"),
    "uiNodes": of("uiNode[]"),
    "uiTexts": of("uiText[]"),
    "uiText": obj("id*: ID, text*, type*: 'info|error|success', context: object"),
    "ID": of("integer"),
    "uiNode": obj("type*: any, group*: any, attributes*: uiNodeAttributes, messages*: uiTexts, meta*: uiNodeMeta"),
    "uiNodeMeta": obj("label: uiText"),
    "uiNodeAttributes": choice(
        {
            "input": "uiNodeInputAttributes", "text": "uiNodeTextAttributes", "img": "uiNodeImageAttributes",
            "a": "uiNodeAnchorAttributes", "script": "uiNodeScriptAttributes", "div": "uiNodeDivisionAttributes",
        },
        "node_type",
    ),
    "uiNodeInputAttributes": obj(
        "node_type*: 'input', name*, type*: any, disabled*: boolean, required: boolean, value: any, label: uiText",
        "autocomplete: 'email|tel|url|current-password|new-password|one-time-code|username|username webauthn'",
        "pattern, maxlength: integer, options: uiNodeInputAttributesOption[]",
        "onclick, onclickTrigger: any, onload, onloadTrigger: any",
    ),
    "uiNodeInputAttributesOption": obj("value*: any"),
    "uiNodeTextAttributes": obj("node_type*: 'text', id*, text*: uiText"),
    "uiNodeImageAttributes": obj("node_type*: 'img', id*, src*, width*: integer, height*: integer"),
    "uiNodeAnchorAttributes": obj("node_type*: 'a', id*, href*, title*: uiText"),
    "uiNodeScriptAttributes": obj(
        "node_type*: 'script', id*, src*, async*: boolean, referrerpolicy*, crossorigin*, integrity*, type*, nonce*"
    ),
    "uiNodeDivisionAttributes": obj("node_type*: 'div', id*, class, data: {string}"),
}  # fmt: skip
_UI["uiContainer"]["properties"]["nodes"] = nullable(of("uiNodes"))  # null for a form without fields
_UI["uiNode"]["properties"]["type"] = of("'text|input|img|a|script|div'")
_UI["uiNode"]["properties"]["group"] = one_of(GROUPS)
_INPUT = _UI["uiNodeInputAttributes"]["properties"]
_INPUT["type"] = one_of(get_args(InputType))
_INPUT["onclickTrigger"] = _INPUT["onloadTrigger"] = one_of(TRIGGERS)

_IDENTITIES: dict[str, Schema] = {
    "identity": obj(
        "id*: uuid, schema_id*, schema_url*, state: 'active|inactive', state_changed_at: nullTime",
        "traits*: identityTraits, metadata_public: nullJsonRawMessage, metadata_admin: nullJsonRawMessage",
        "verifiable_addresses: verifiableIdentityAddress[], recovery_addresses: recoveryIdentityAddress[]",
        "credentials: {identityCredentials}, external_id, organization_id: NullUUID, created_at: time, updated_at: time",
        "last_login_at: nullTime, region: 'eu-central|asia-northeast|us-east|us-west|eu|asia|us|global'",
    ),
    "identityTraits": {},
    "identityCredentials": obj(
        "type: any, identifiers: string[]?, config: JSONRawMessage, version: integer, created_at: time, updated_at: time"
    ),
    "verifiableIdentityAddress": obj(
        "id: uuid, value*, verified*: boolean, via*: 'email|sms', status*: identityVerifiableAddressStatus",
        "verified_at: nullTime, created_at: time, updated_at: time",
    ),
    "identityVerifiableAddressStatus": of("string"),
    "recoveryIdentityAddress": obj(
        "id: uuid, value*, via*, created_at: time, updated_at: time, break_glass_for_organization: NullUUID"
    ),
    "identitySchema": of("object"),
    "identitySchemaContainer": obj("id*, schema*: object"),
    "identitySchemas": of("identitySchemaContainer[]"),
    "batchPatchIdentitiesResponse": obj("identities: identityPatchResponse?[]"),
    "identityPatchResponse": obj("action: 'create|error', identity: uuid, patch_id: uuid, error: any"),
    "recoveryCodeForIdentity": obj("recovery_link*, recovery_code*, expires_at: time"),
    "recoveryLinkForIdentity": obj("recovery_link*, expires_at: time"),
}
_IDENTITIES["identityCredentials"]["properties"]["type"] = one_of(CREDENTIAL_TYPES)

_SESSIONS: dict[str, Schema] = {
    "session": obj(
        "id*: uuid, active: boolean, issued_at: time, authenticated_at: time, expires_at: time",
        "authenticator_assurance_level: authenticatorAssuranceLevel",
        "authentication_methods: sessionAuthenticationMethods, identity: any, devices: sessionDevice[]?, tokenized",
    ),
    "sessionAuthenticationMethods": of("sessionAuthenticationMethod[]"),
    "sessionAuthenticationMethod": obj(
        "method: any, aal: authenticatorAssuranceLevel, completed_at: time, provider, organization",
        "upstream_acr, upstream_amr: string[]",
    ),
    "sessionDevice": obj("id*: uuid, ip_address, user_agent, location"),
    "deleteMySessionsCount": obj("count: integer"),
    "trustedDevice": obj("id*: uuid, name*, created_at*: time, used_at*: time, expires_at*: time, current*: boolean"),
}
_SESSIONS["session"]["properties"]["identity"] = nullable(of("identity"))  # null where it was not asked for
_SESSIONS["sessionAuthenticationMethod"]["properties"]["method"] = one_of(CREDENTIAL_TYPES)

_FLOWS: dict[str, Schema] = {
    "loginFlow": obj(
        _FLOW, _TIMES, "created_at: time, updated_at: time, refresh: boolean, requested_aal: authenticatorAssuranceLevel",
        "organization_id: NullUUID, identity_schema, session_token_exchange_code, transient_payload: object",
        "oauth2_login_challenge, oauth2_login_request: OAuth2LoginRequest",
    ),
    "registrationFlow": obj(
        _FLOW, _TIMES, "organization_id: NullUUID, identity_schema, session_token_exchange_code",
        "transient_payload: object, oauth2_login_challenge, oauth2_login_request: OAuth2LoginRequest",
    ),
    "settingsFlow": obj(
        _FLOW, _TIMES, "identity*: identity, organization_id: NullUUID, continue_with: continueWith[]",
        "transient_payload: object",
    ),
    "recoveryFlow": obj(_FLOW, _TIMES, "continue_with: continueWith[], transient_payload: object"),
    "verificationFlow": obj(_FLOW, _TIMES.replace("*", ""), "transient_payload: object"),
    "logoutFlow": obj("logout_url*, logout_token*"),
    "successfulNativeLogin": obj("session*: session, session_token, continue_with: continueWith[]?"),
    "successfulNativeRegistration": obj(
        "identity*: identity, session: session, session_token, continue_with: continueWith[]?"
    ),
    "successfulCodeExchangeResponse": obj("session*: session, session_token"),
    "OAuth2LoginRequest": obj(
        "challenge, client: OAuth2Client, oidc_context: OAuth2ConsentRequestOpenIDConnectContext, request_url",
        "requested_access_token_audience: string[], requested_scope: string[], session_id, skip: boolean, subject",
    ),
    "OAuth2ConsentRequestOpenIDConnectContext": obj(
        "acr_values: string[], display, id_token_hint_claims: {any}, login_hint, ui_locales: string[]"
    ),
}  # fmt: skip
_GRANTS = (
    "authorization_code_grant_access_token", "authorization_code_grant_id_token", "authorization_code_grant_refresh_token",
    "client_credentials_grant_access_token", "implicit_grant_access_token", "implicit_grant_id_token",
    "jwt_bearer_grant_access_token", "refresh_token_grant_access_token", "refresh_token_grant_id_token",
    "refresh_token_grant_refresh_token",
)  # fmt: skip
_FLOWS["OAuth2Client"] = obj(
    "client_id, client_name, client_secret, client_secret_expires_at: integer, client_uri, logo_uri, owner, policy_uri",
    "tos_uri, contacts: string[], metadata: any, scope, audience: string[], grant_types: string[]",
    "response_types: string[], redirect_uris: string[], post_logout_redirect_uris: string[], request_uris: string[]",
    "allowed_cors_origins: string[], access_token_strategy, subject_type, sector_identifier_uri, jwks: any, jwks_uri",
    "token_endpoint_auth_method, token_endpoint_auth_signing_alg, request_object_signing_alg",
    "userinfo_signed_response_alg, skip_consent: boolean, skip_logout_consent: boolean",
    "backchannel_logout_uri, backchannel_logout_session_required: boolean, frontchannel_logout_uri",
    "frontchannel_logout_session_required: boolean, registration_access_token, registration_client_uri",
    "created_at: time, updated_at: time",
    ",".join(f"{grant}_lifespan" for grant in _GRANTS),
)

_CONTINUE: dict[str, Schema] = {
    "continueWith": choice(
        {
            "redirect_browser_to": "continueWithRedirectBrowserTo",
            "set_ory_session_token": "continueWithSetOrySessionToken",
            "show_recovery_ui": "continueWithRecoveryUi",
            "show_settings_ui": "continueWithSettingsUi",
            "show_verification_ui": "continueWithVerificationUi",
        },
        "action",
    ),
    "continueWithRedirectBrowserTo": obj("action*: 'redirect_browser_to', redirect_browser_to*"),
    "continueWithSetOrySessionToken": obj("action*: 'set_ory_session_token', ory_session_token*"),
    "continueWithRecoveryUi": obj("action*: 'show_recovery_ui', flow*: continueWithRecoveryUiFlow"),
    "continueWithRecoveryUiFlow": obj("id*: uuid, url"),
    "continueWithSettingsUi": obj("action*: 'show_settings_ui', flow*: continueWithSettingsUiFlow"),
    "continueWithSettingsUiFlow": obj("id*: uuid, url"),
    "continueWithVerificationUi": obj("action*: 'show_verification_ui', flow*: continueWithVerificationUiFlow"),
    "continueWithVerificationUiFlow": obj("id*: uuid, verifiable_address*, url"),
}

_MESSAGES: dict[str, Schema] = {
    "message": obj(
        "id*: uuid, type*: courierMessageType, status*: courierMessageStatus, channel, recipient*, subject*, body*",
        "template_type*, send_count*: integer, dispatches: messageDispatch[], created_at*: time, updated_at*: time",
    ),
    "messageDispatch": obj(
        "id*: uuid, message_id*: uuid, status*: 'failed|success', error: JSONRawMessage?, created_at*: time, updated_at*: time"
    ),
    "courierMessageStatus": of("'queued|sent|processing|abandoned'"),
    "courierMessageType": of("'email|phone'"),
}

SCHEMAS: dict[str, Schema] = {
    **_ERRORS, **_SMALL, **_UI, **_IDENTITIES, **_SESSIONS, **_FLOWS, **_CONTINUE, **_MESSAGES,
}  # fmt: skip
