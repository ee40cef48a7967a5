"""The operations of the admin port. Names, parameters and their order are those that Kratos' clients are made from."""

from __future__ import annotations

from limen.http.openapi.operation import Operation

_PAGES = "per_page: integer, page: integer, page_size: integer, page_token"
_TOKENS = "page_size: integer, page_token"
_WRITE = (400, 404, 409, 413)

OPERATIONS = (
    Operation(
        id="listIdentities", method="GET", path="/admin/identities", tag="identity", says="People, page by page",
        takes=f"{_PAGES}, consistency, ids: string[], credentials_identifier, preview_credentials_identifier_similar, "
        "include_credential: string[], organization_id, search, state: 'active|inactive', schema_id, created_after, "
        "verified: boolean, has_credential: string[], "
        "sort: 'created_at|-created_at|last_login_at|-last_login_at', include: string[]",
        answers={200: "identity[]"}, errors=(400,),
    ),
    Operation(
        id="createIdentity", method="POST", path="/admin/identities", tag="identity", says="Add a person",
        body="createIdentityBody", answers={201: "identity"}, errors=(400, 409, 413, 429),
    ),
    Operation(
        id="batchPatchIdentities", method="PATCH", path="/admin/identities", tag="identity",
        says="Add many people; each one's error is its own", body="patchIdentitiesBody",
        answers={200: "batchPatchIdentitiesResponse"}, errors=(400, 409, 413, 429),
    ),
    Operation(
        id="getIdentityByExternalID", method="GET", path="/admin/identities/by/external/{externalID}", tag="identity",
        says="The person with this external id", takes="externalID*, include_credential: string[], include: string[]",
        answers={200: "identity"}, errors=(400, 404),
    ),
    Operation(
        id="getIdentity", method="GET", path="/admin/identities/{id}", tag="identity", says="A person",
        takes="id*, include_credential: string[], include: string[]", answers={200: "identity"}, errors=(400, 404),
    ),
    Operation(
        id="updateIdentity", method="PUT", path="/admin/identities/{id}", tag="identity", says="Replace a person",
        takes="id*", body="updateIdentityBody", answers={200: "identity"}, errors=(*_WRITE, 429),
    ),
    Operation(
        id="patchIdentity", method="PATCH", path="/admin/identities/{id}", tag="identity",
        says="Change a person (JSON Patch, RFC 6902)", takes="id*", body="jsonPatchDocument", answers={200: "identity"},
        errors=_WRITE,
    ),
    Operation(
        id="deleteIdentity", method="DELETE", path="/admin/identities/{id}", tag="identity", says="Delete a person",
        takes="id*", answers={204: ""}, errors=(400, 404),
    ),
    Operation(
        id="deleteIdentityCredentials", method="DELETE", path="/admin/identities/{id}/credentials/{type}", tag="identity",
        says="Take a way to sign in away from a person", takes="id*, type*, identifier", answers={204: ""},
        errors=(400, 404, 409),
    ),
    Operation(
        id="listIdentitySessions", method="GET", path="/admin/identities/{id}/sessions", tag="identity",
        says="A person's sessions", takes=f"{_PAGES}, id*, active: boolean", answers={200: "session[]"}, errors=(400, 404),
    ),
    Operation(
        id="deleteIdentitySessions", method="DELETE", path="/admin/identities/{id}/sessions", tag="identity",
        says="Delete a person's sessions", takes="id*", answers={204: ""}, errors=(400, 401, 404),
    ),
    Operation(
        id="listSessions", method="GET", path="/admin/sessions", tag="identity", says="Sessions, page by page",
        takes=f"{_TOKENS}, active: boolean, expand: string[]", answers={200: "session[]"}, errors=(400,),
    ),
    Operation(
        id="manageSessions", method="POST", path="/admin/sessions", tag="identity", says="End or delete many sessions",
        body="manageSessionsBody", answers={200: "manageSessionsResponse"}, errors=(400, 401, 413),
    ),
    Operation(
        id="getSession", method="GET", path="/admin/sessions/{id}", tag="identity", says="A session",
        takes="expand: string[], id*", answers={200: "session"}, errors=(400, 404),
    ),
    Operation(
        id="disableSession", method="DELETE", path="/admin/sessions/{id}", tag="identity", says="End a session",
        takes="id*", answers={204: ""}, errors=(400, 401, 404),
    ),
    Operation(
        id="extendSession", method="PATCH", path="/admin/sessions/{id}/extend", tag="identity", says="Prolong a session",
        takes="id*", answers={200: "session", 204: ""}, errors=(400, 404),
    ),
    Operation(
        id="createRecoveryCodeForIdentity", method="POST", path="/admin/recovery/code", tag="identity",
        says="Make a recovery code for a person", body="createRecoveryCodeForIdentityBody",
        answers={201: "recoveryCodeForIdentity"}, errors=(400, 404, 413),
    ),
    Operation(
        id="createRecoveryLinkForIdentity", method="POST", path="/admin/recovery/link", tag="identity",
        says="Make a recovery link for a person", takes="return_to", body="createRecoveryLinkForIdentityBody",
        answers={200: "recoveryLinkForIdentity"}, errors=(400, 404, 413),
    ),
    Operation(
        id="listCourierMessages", method="GET", path="/admin/courier/messages", tag="courier", says="Messages, page by page",
        takes=f"{_TOKENS}, status: courierMessageStatus, recipient", answers={200: "message[]"}, errors=(400,),
    ),
    Operation(
        id="getCourierMessage", method="GET", path="/admin/courier/messages/{id}", tag="courier", says="A message",
        takes="id*", answers={200: "message"}, errors=(400, 404),
    ),
    Operation(
        id="listTraces", method="GET", path="/admin/traces", tag="metadata", says="Why steps of flows were refused, newest first",
        takes="page_size: integer", answers={200: "trace[]"}, errors=(400,),
    ),
    Operation(
        id="getTraces", method="GET", path="/admin/traces/{request_id}", tag="metadata",
        says="Why the request with this id was refused", takes="request_id*", answers={200: "trace[]"}, errors=(404,),
    ),
    Operation(
        id="getVersion", method="GET", path="/version", tag="metadata", says="The version of this server",
        answers={200: "version"},
    ),
)  # fmt: skip
