"""What is read: the forms of the sign-in methods, as the methods themselves declare them, and the admin API's bodies."""

from __future__ import annotations

from typing import Any

import msgspec

from limen.flow.method import Part
from limen.http.openapi.shape import Schema, choice, obj, of
from limen.methods import ALL
from limen.project.model import Kind

# How Kratos' clients call the methods.
_NAMES = {
    "password": "Password", "oidc": "Oidc", "saml": "Saml", "totp": "Totp", "webauthn": "WebAuthn", "code": "Code",
    "lookup_secret": "LookupSecret", "passkey": "Passkey", "identifier_first": "IdentifierFirst", "profile": "Profile",
    "link": "Link",
}  # fmt: skip
_KINDS: tuple[Kind, ...] = ("login", "registration", "settings", "recovery", "verification")
# What Kratos' document calls required beside `method`: generated clients ask for it.
_REQUIRED = {
    "updateLoginFlowWithPasswordMethod": ("identifier", "password"),
    "updateLoginFlowWithCodeMethod": ("csrf_token",),
    "updateLoginFlowWithIdentifierFirstMethod": ("identifier",),
    "updateLoginFlowWithLookupSecretMethod": ("lookup_secret",),
    "updateLoginFlowWithOidcMethod": ("provider",),
    "updateLoginFlowWithTotpMethod": ("totp_code",),
    "updateLoginFlowWithWebAuthnMethod": ("identifier",),
    "updateRegistrationFlowWithCodeMethod": ("traits",),
    "updateRegistrationFlowWithOidcMethod": ("provider",),
    "updateRegistrationFlowWithPasskeyMethod": ("traits",),
    "updateRegistrationFlowWithPasswordMethod": ("password", "traits"),
    "updateRegistrationFlowWithProfileMethod": ("traits",),
    "updateRegistrationFlowWithWebAuthnMethod": ("traits",),
    "updateSettingsFlowWithPasswordMethod": ("password",),
    "updateSettingsFlowWithProfileMethod": ("traits",),
    "updateRecoveryFlowWithLinkMethod": ("email",),
    "updateVerificationFlowWithLinkMethod": ("email",),
}
_MORE = {
    "updateRegistrationFlowWithProfileMethod": {"screen": of("'credential-selection|previous'")},
    "updateSettingsFlowWithOidcMethod": {"flow": of("string")},  # clients send it; the address names the flow
}


def _name(kind: Kind, method: str) -> str:
    called = "Lookup" if (kind, method) == ("settings", "lookup_secret") else _NAMES[method]
    return f"update{kind.capitalize()}FlowWith{called}Method"


def _form(name: str, part: Part) -> Schema:
    """A method's form: its struct's fields."""
    properties = {field.encode_name: _field(field.type) for field in msgspec.structs.fields(part.form)}
    properties |= _MORE.get(name, {})
    properties["method"] = of("string")
    properties.setdefault("csrf_token", of("string"))
    return {"type": "object", "properties": properties, "required": ["method", *_REQUIRED.get(name, ())]}


def _field(kind: Any) -> Schema:
    inner = msgspec.inspect.type_info(kind)
    match inner:
        case msgspec.inspect.BoolType():
            return of("boolean")
        case msgspec.inspect.DictType():
            return of("object")
        case msgspec.inspect.StrType():
            return of("string")
    return {}


def _forms() -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    for kind in _KINDS:
        of_kind: dict[str, str] = {}
        for method in ALL:
            if part := method.part(kind):
                name = of_kind[method.id] = _name(kind, method.id)
                found[name] = _form(name, part)
        found[f"update{kind.capitalize()}FlowBody"] = choice(of_kind, "method")
    return found


_REGION = "region: 'eu-central|asia-northeast|us-east|us-west|eu|asia|us|global'"
_BYTES = "integer[]"

_ADMIN: dict[str, Schema] = {
    "createIdentityBody": obj(
        "schema_id*, traits*: object, state: 'active|inactive', credentials: identityWithCredentials, external_id",
        "verifiable_addresses: verifiableIdentityAddress[], recovery_addresses: recoveryIdentityAddress[]",
        f"metadata_public: any, metadata_admin: any, organization_id: NullUUID, {_REGION}",
    ),
    "updateIdentityBody": obj(
        "schema_id*, traits*: object, state*: 'active|inactive', credentials: identityWithCredentials, external_id",
        f"metadata_public: any, metadata_admin: any, {_REGION}",
    ),
    "patchIdentitiesBody": obj("identities: identityPatch[]"),
    "identityPatch": obj("create: createIdentityBody, patch_id: uuid"),
    "jsonPatchDocument": of("jsonPatch[]"),
    "jsonPatch": obj("op*, path*, from, value: any"),
    "createRecoveryCodeForIdentityBody": obj("identity_id*: uuid, expires_in, flow_type: selfServiceFlowType"),
    "createRecoveryLinkForIdentityBody": obj("identity_id*: uuid, expires_in"),
    "manageSessionsBody": obj("action*: 'disable|delete', identities: string[], sessions: string[]"),
    "manageSessionsResponse": obj("more: boolean, processed: integer"),
    "performNativeLogoutBody": obj("session_token*"),
}

_IMPORTS: dict[str, Schema] = {
    "identityWithCredentials": obj(
        "password: identityWithCredentialsPassword, oidc: identityWithCredentialsOidc, saml: identityWithCredentialsSaml",
        "totp: identityWithCredentialsTotp, lookup_secret: AdminIdentityImportCredentialsLookupSecret",
        "webauthn: identityWithCredentialsWebAuthn, passkey: identityWithCredentialsPasskey",
    ),
    "identityWithCredentialsPassword": obj("config: identityWithCredentialsPasswordConfig"),
    "identityWithCredentialsPasswordConfig": obj("password, hashed_password, use_password_migration_hook: boolean"),
    "identityWithCredentialsOidc": obj("config: identityWithCredentialsOidcConfig"),
    "identityWithCredentialsOidcConfig": obj("providers: identityWithCredentialsOidcConfigProvider[]"),
    "identityWithCredentialsOidcConfigProvider": obj(
        "provider*, subject*, organization: NullUUID, use_auto_link: boolean"
    ),
    "identityWithCredentialsSaml": obj("config: identityWithCredentialsSamlConfig"),
    "identityWithCredentialsSamlConfig": obj("providers: identityWithCredentialsSamlConfigProvider[]"),
    "identityWithCredentialsSamlConfigProvider": obj("provider*, subject*, organization: NullUUID"),
    "identityWithCredentialsTotp": obj("config: identityWithCredentialsTotpConfig"),
    "identityWithCredentialsTotpConfig": obj("totp_url"),
    "AdminIdentityImportCredentialsLookupSecret": obj("config: AdminIdentityImportCredentialsLookupSecretConfig"),
    "AdminIdentityImportCredentialsLookupSecretConfig": obj("codes: identityCredentialsLookupSecretCode[]"),
    "identityCredentialsLookupSecretCode": obj("code, used_at: nullTime"),
    "identityWithCredentialsWebAuthn": obj("config: identityWithCredentialsWebAuthnConfig"),
    "identityWithCredentialsWebAuthnConfig": obj(
        f"credentials: identityCredentialsWebAuthnList, user_handle: {_BYTES}"
    ),
    "identityWithCredentialsPasskey": obj("config: identityWithCredentialsPasskeyConfig"),
    "identityWithCredentialsPasskeyConfig": obj(f"credentials: identityCredentialsWebAuthnList, user_handle: {_BYTES}"),
    "identityCredentialsWebAuthnList": of("identityCredentialsWebAuthn[]"),
    "identityCredentialsWebAuthn": obj(
        f"id: {_BYTES}, public_key: {_BYTES}, attestation_type, display_name, added_at: time, is_passwordless: boolean",
        "attestation: identityCredentialsWebAuthnAttestation, authenticator: identityCredentialsWebAuthnAuthenticator",
        "flags: identityCredentialsWebAuthnFlags, transport: AuthenticatorTransport[]",
    ),
    "AuthenticatorTransport": of("string"),
    "identityCredentialsWebAuthnAttestation": obj(
        f"authenticator_data: {_BYTES}, client_dataJSON: {_BYTES}, client_data_hash: {_BYTES}, object: {_BYTES}",
        "public_key_algorithm: integer",
    ),
    "identityCredentialsWebAuthnAuthenticator": obj(f"aaguid: {_BYTES}, clone_warning: boolean, sign_count: integer"),
    "identityCredentialsWebAuthnFlags": obj(
        "user_present: boolean, user_verified: boolean, backup_eligible: boolean, backup_state: boolean"
    ),
}

SCHEMAS: dict[str, Schema] = {**_forms(), **_ADMIN, **_IMPORTS}
