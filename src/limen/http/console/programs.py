"""What programs with an API key read."""

from __future__ import annotations

from limen.http.console import people
from limen.http.console.route import Route

_SEARCH = (
    "search, per_page: integer, page_token, state: 'active|inactive', schema, verified: boolean, has_credential: string[], "
    "created_after, sort: 'created_at|-created_at|last_login_at|-last_login_at'"
)
ROUTES: tuple[Route, ...] = (
    Route(
        id="listIdentitiesByKey", method="GET", path="/v1/auth/identities", tag="v1", says="People, found and page by page",
        may="service", handler=people.list_, answers={200: "people"}, errors=(400,), takes=_SEARCH,
    ),
    Route(
        id="getIdentityByKey", method="GET", path="/v1/auth/identities/{id}", tag="v1", says="A person", may="service",
        handler=people.get, answers={200: "person"}, errors=(404,),
    ),
)  # fmt: skip
