"""What answers may hold: the names of all their fields are written down in answers.txt, and looked at when they change.

`python -m tests.attacks.test_answers` writes them down anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from limen.http import openapi
from limen.http.console import description

FILE = Path(__file__).parent / "answers.txt"
SOUNDS_SECRET = re.compile(
    r"password|secret|hash|token|(?<!webauthn)key|code|digest|totp|config|cipher|nonce|verifier|_link", re.IGNORECASE
)
# Fields that sound secret, in the one answer that hands them out or where they tell nothing; all others are to be looked at.
KNOWN = {
    # a session, to whoever just proved who they are, or to the operator who acts as somebody
    "console signedIn.session_token", "console impersonation.session_token", "kratos successfulNativeLogin.session_token",
    "kratos successfulNativeRegistration.session_token", "kratos continueWithSetOrySessionToken.ory_session_token",
    "kratos session.tokenized",
    # shown once: a key, a link, a code, an authenticator app's secret, backup codes, the code of an app or a front end
    "console newKey.key", "console recoveryLink.recovery_link", "console totpSetUp.totpUrl", "console totpSetUp.secret",
    "console recoveryCodes.codes", "console leaving.init_code", "kratos recoveryCodeForIdentity.recovery_code",
    "kratos recoveryCodeForIdentity.recovery_link", "kratos recoveryLinkForIdentity.recovery_link",
    "kratos loginFlow.session_token_exchange_code", "kratos registrationFlow.session_token_exchange_code",
    "kratos logoutFlow.logout_token",
    # a credential as it is stored, to whoever asks the admin API for it by its type
    "kratos identityCredentials.config",
    # whether there is one
    "console factors.totp", "console factors.recovery_codes", "console factors.recovery_codes_left", "console webhook.has_secret",
    # public by nature
    "console keySetUp.publicKey", "console securityConfig.password_policy", "console errorBody.code", "kratos genericError.code",
    "kratos uiNodeScriptAttributes.nonce",
}  # fmt: skip
OF_HYDRA = (
    "kratos OAuth2Client.",
    "kratos OAuth2LoginRequest.",
    "kratos OAuth2ConsentRequest",
)  # its words, as it sends them


def fields(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Component and field, for every field of an answer, however deep."""
    schemas = document["components"]["schemas"]
    waiting = [
        ref
        for methods in document["paths"].values()
        for operation in methods.values()
        if isinstance(operation, dict)  # beside the operations of a path stand its servers
        for answer in operation["responses"].values()
        for ref in refs(answer)
    ]
    seen: set[str] = set()
    while waiting:
        if (name := waiting.pop()) in seen:
            continue
        seen.add(name)
        waiting += refs(schemas[name])
        yield from ((name, field) for field in names(schemas[name]))


def refs(part: Any) -> list[str]:
    """The components that a part of the document leads to."""
    if isinstance(part, list):
        return [name for one in part for name in refs(one)]
    if not isinstance(part, dict):
        return []
    own = [part["$ref"].rpartition("/")[2]] if isinstance(part.get("$ref"), str) else []
    return own + [name for one in part.values() for name in refs(one)]


def names(schema: Any) -> list[str]:
    """The properties of a schema, and of those inside it."""
    if isinstance(schema, list):
        return [name for one in schema for name in names(one)]
    if not isinstance(schema, dict):
        return []
    own = [name for name in schema.get("properties", ()) if isinstance(schema["properties"], dict)]
    return own + [name for key, one in schema.items() if key != "example" for name in names(one)]


def all_fields() -> set[tuple[str, str, str]]:
    documents = {
        "kratos": openapi.document("http://127.0.0.1/", "http://127.0.0.1/"),
        "console": description.document("http://127.0.0.1/"),
    }
    return {(port, *field) for port, document in documents.items() for field in fields(document)}


def written() -> str:
    found: dict[str, set[str]] = {}
    for port, component, field in all_fields():
        found.setdefault(f"{port} {component}", set()).add(field)
    return "".join(f"{name}: {' '.join(sorted(inside))}\n" for name, inside in sorted(found.items()))


def test_91_no_field_of_an_answer_is_new_unseen() -> None:
    assert written() == FILE.read_text("utf-8"), "look at what is new, then run python -m tests.attacks.test_answers"


def test_91_what_sounds_secret_was_looked_at() -> None:
    found = {f"{port} {component}.{field}" for port, component, field in all_fields() if SOUNDS_SECRET.search(field)}
    found = {name for name in found if not name.startswith(OF_HYDRA)}
    assert found - KNOWN == set()
    assert KNOWN - found == set()


if __name__ == "__main__":
    FILE.write_text(written(), "utf-8")
