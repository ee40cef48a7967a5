"""The description of the operator's API (OpenAPI 3.1), made from its routes."""

from __future__ import annotations

from typing import Any

from limen import __version__
from limen.http.console import (
    access,
    account,
    actions,
    factors,
    hooks,
    invites,
    live,
    logfiles,
    passkeys,
    people,
    programs,
    records,
    social,
    templates,
    transfer,
)
from limen.http.console.route import Route, schemas
from limen.http.openapi.shape import Schema, obj

_AREAS = (
    account, passkeys, social, factors, people, actions, live, records, logfiles, transfer, invites, hooks, templates, access,
    programs,
)  # fmt: skip
ROUTES: tuple[Route, ...] = tuple(route for area in _AREAS for route in area.ROUTES)
_TAGS = {
    "account": "Signing in, and one's own account",
    "factors": "One's own second factors",
    "people": "People, as operators look after them",
    "sessions": "Sessions",
    "schemas": "Identity schemas",
    "records": "What happened, and what is set",
    "transfer": "Many people, in and out",
    "invitations": "Inviting people",
    "webhooks": "Telling programs what happened",
    "templates": "The words of messages",
    "keys": "API keys",
    "operators": "Operators",
    "v1": "For programs with an API key",
}
_PAGE = "pagination*: pagination"
ANSWERS: dict[str, Schema] = {
    "errorGeneric": obj("error*: errorBody"),
    "errorBody": obj("code*: integer, status*, message*, reason, id, request, details: object"),
    "pagination": obj("next*: string?, prev: string?, page_size: integer"),
    "begun": obj("flow_id*: uuid, expires_at*: time, methods*: string[], ui*: object"),
    "said": obj("message*"),
    "nextStep": obj("step*: 'second_factor|set_up_second_factor', methods*: string[], flow_id*: string?"),
    "signedIn": obj(
        "session_token*: string?, session*: any, role: string?, next: nextStep?, continue_with*: any[], identity: any"
    ),
    "whoAmI": obj("session*: any, role*: string?, next*: nextStep?"),
    "provider": obj("id*, label*, provider*, start*"),
    "leaving": obj("flow_id*: uuid, init_code*: string?, redirect_to*"),
    "changed": obj("state*, identity*: object"),
    "factors": obj(
        "totp*: boolean, webauthn*: boolean, recovery_codes*: boolean, recovery_codes_left*: integer, devices*: any[]"
    ),
    "totpSetUp": obj("flow_id*: uuid, totpUrl*, secret*, qr*"),
    "keySetUp": obj("flow_id*: uuid, publicKey*: object"),
    "recoveryCodes": obj("flow_id*: uuid, codes*: string[]"),
    "ban": obj("identity_id*: uuid, reason*, until*: string?, created_at*: time, created_by*"),
    "person": obj(
        "id*: uuid, schema_id*, schema_url*, state*, traits*: any, metadata_public*: any, metadata_admin*: any",
        "created_at*: time, updated_at*: time, state_changed_at: time, last_login_at*: string?, ban: ban?, credentials: object",
        "organization_id: string?, external_id, verifiable_addresses: any[], recovery_addresses: any[]",
    ),
    "exported": obj(
        "id*: uuid, schema_id*, state*, traits*: any, metadata_public*: any, metadata_admin*: any, created_at*: time",
        "updated_at*: time, state_changed_at: time, organization_id: string?, external_id, verifiable_addresses: any[]",
        "recovery_addresses: any[]",
    ),
    "impersonation": obj("session_token*, session*: object"),
    "sent": obj("sent_to*: string[]"),
    "people": obj(f"identities*: person[], {_PAGE}"),
    "batchResult": obj("id*, success*: boolean, error*: string?"),
    "batchResults": obj("results*: batchResult[], succeeded*: integer, failed*: integer"),
    "recoveryLink": obj("recovery_link*, expires_at*: time"),
    "session": obj(
        "id*: uuid, active*: boolean, expires_at*: time, authenticated_at*: time, issued_at*: time",
        "authenticator_assurance_level*, authentication_methods*: any[], devices*: any[], identity*: object",
    ),
    "sessions": obj(f"sessions*: session[], {_PAGE}"),
    "ended": obj("ended*: integer"),
    "schema": obj("id*, url*, is_default*: boolean, traits*: any[], schema*: object"),
    "login": obj(
        "timestamp*: time, identity_id*: string?, email*: string?, ip_address*, user_agent*, device*, method*",
        "success*: boolean, why*: integer[]",
    ),
    "logins": obj(f"history*: login[], {_PAGE}"),
    "auditEntry": obj(
        "id*: uuid, at*: time, action*, outcome*: 'success|failure', actor*, identity_id*, email*, ip_address*, user_agent*",
        "request_id*, method*, detail*: object, number*: integer?, seal*: string?",
    ),
    "auditLogs": obj(f"logs*: auditEntry[], {_PAGE}"),
    "day": obj("day*, logins*: integer, failed*: integer, registrations*: integer"),
    "stats": obj(
        "total_users*: integer, active*: integer, inactive*: integer, logins_24h*: integer, failed_24h*: integer",
        "series*: day[]",
    ),
    "securityConfig": obj(
        "password_policy*: object, methods*: object, second_factor*: object, lifespans*: object",
        "enumeration_mitigation*: boolean, registration_enabled*: boolean, limits*: object",
    ),
    "importResult": obj(
        "index*: integer, email*, success*: boolean, outcome*: 'created|exists|refused', id*: string?, error*: string?"
    ),
    "importResults": obj("results*: importResult[], imported*: integer, failed*: integer"),
    "invitation": obj(
        "id*: uuid, email*, status*: 'pending|accepted|revoked|expired', created_at*: time, created_by*, sent_at*: time",
        "expires_at*: time, accepted_at*: string?, identity_id*: string?",
    ),
    "invitations": obj(f"invitations*: invitation[], {_PAGE}"),
    "webhook": obj("id*: uuid, url*, events*: string[], has_secret*: boolean, created_at*: time"),
    "webhooks": obj("webhooks*: webhook[]"),
    "webhookTest": obj("delivered*: boolean, error*: string?"),
    "delivery": obj(
        "id*: uuid, webhook_id*: uuid, number*: integer, about*, event*, body*: object, status*: 'pending|delivered|failed'",
        "attempts*: integer, due_at*, last_error*, created_at*: time, updated_at*: time",
    ),
    "deliveries": obj(f"deliveries*: delivery[], {_PAGE}"),
    "templateVariable": obj("name*, channels*: string[], example*: any"),
    "template": obj(
        "id*, says*, channels*: string[], language*, subject*: string?, body_html*: string?, body_text*: string?",
        "body_sms*: string?, origins*: {string}, version*: integer, saved_at*: string?, saved_by*: string?",
        "languages*: string[], variables*: templateVariable[], warnings: templateRemark[]",
    ),
    "templateRemark": obj("template*, part*, line*: integer, column*: integer, message*"),
    "templates": obj("language*, templates*: template[], warnings: templateRemark[]"),
    "templatePreview": obj(
        "subject*: string?, body_html*: string?, body_text*: string?, body_sms*: string?",
        "mistakes*: templateRemark[], warnings*: templateRemark[]",
    ),
    "templateVersion": obj(
        "version*: integer, language*, saved_at*: time, saved_by*, restored_from*: integer?, is_default*: boolean",
        "subject*: string?, body_html*: string?, body_text*: string?, body_sms*: string?",
    ),
    "templateVersions": obj("versions*: templateVersion[]"),
    "key": obj(
        "id*: uuid, name*, role*: 'service_role|anon', hint*, created_at*: time, created_by*, expires_at*: string?",
        "last_used_at*: string?",
    ),
    "newKey": obj(
        "id*: uuid, name*, role*, hint*, key*, created_at*: time, created_by*, expires_at*: string?, last_used_at*: string?"
    ),
    "operator": obj("identity_id*: uuid, email*, role*: 'viewer|developer|owner', created_at: time"),
    "role": obj("identity_id*: uuid, role*"),
}


def document(base_url: str) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = route.document()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Limen, for operators",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base_url.rstrip("/")}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": {**ANSWERS, **schemas(ROUTES)},
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "truss_session"},
                "apikey": {"type": "apiKey", "in": "header", "name": "apikey"},
            },
        },
    }
