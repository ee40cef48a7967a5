"""`GET /admin/identities`: Kratos' filters and its two ways to page, and the search, which is ours."""

from __future__ import annotations

from collections.abc import Sequence

from limen.core import errors, normalize
from limen.core.errors import ApiError
from limen.core.ids import parse_id
from limen.http import admin_search, paging, people
from limen.http.kit import Answer, Call
from limen.identity import listing
from limen.identity.listing import Listed

NIL = "00000000-0000-0000-0000-000000000000"
MAX_PAGE, DEFAULT_PAGE, MAX_IDS, LEGACY_REACH = 500, 250, 500, 1000
_BY_IDENTIFIER = ("credentials_identifier", "preview_credentials_identifier_similar")
_FILTERS = ("ids", "organization_id", *_BY_IDENTIFIER)
_NORMALISED = ("password", "webauthn", "code")


async def identities(call: Call) -> Answer:
    include = people.included(call)
    asked = call.asked
    filters = [name for name in _FILTERS if any(asked.get(name, ())) or (name == "ids" and name in asked)]
    if ours := admin_search.given(asked):
        if filters:
            raise errors.bad_request(
                f"{filters[0]} finds people by itself: it cannot be combined with {', '.join(ours)}."
            )
        return await admin_search.identities(call, asked, include)
    if len(filters) > 1:
        raise errors.bad_request("Use one filter at a time: " + ", ".join(filters) + " were combined.")
    chosen = filters[0] if filters else ""
    if "page" in asked and "page_token" not in asked and "page_size" not in asked:
        return await _by_number(call, include, chosen)
    size = paging.page_size(call, default=DEFAULT_PAGE, most=MAX_PAGE)
    token = call.first("page_token")
    after = parse_id(token) if token else NIL
    if after is None:
        raise ApiError(400, "The page token is not one of ours.", reason="Start again from the first page.")
    found = await _filtered(call, chosen, after, size + 1)
    shown = found[:size]
    following = shown[-1].id if len(found) > size else None
    headers = paging.key_headers(call, size, NIL, following, stands_in=True)
    return await _answer(call, shown, include, headers, chosen)


async def _answer(
    call: Call, found: Sequence[Listed], include: Sequence[str], headers: paging.Headers, chosen: str
) -> Answer:
    """Who is found by an identifier is shown with credentials."""
    if with_login := people.with_last_login(call):
        found = await listing.listed(call.ctx.db, [one.id for one in found])
    return people.answer(
        call, found, headers, last_login=with_login, include=include, credentials=chosen in _BY_IDENTIFIER
    )


async def _by_number(call: Call, include: Sequence[str], chosen: str) -> Answer:
    """The older way to page, by number, which reaches a thousand people and no further."""
    page = paging.offset_page(call, most=MAX_PAGE)
    if page.offset > LEGACY_REACH:
        raise errors.bad_request(f"Paging by number ends at {LEGACY_REACH}. Use page_size and page_token.")
    db = call.ctx.db
    if chosen:
        found = (await _filtered(call, chosen, NIL, page.offset + page.size))[page.offset :]
    else:
        found = await listing.page_at(db, page.offset, page.size)
    # With any other filter Kratos tells how many there are without it.
    total = len(found) if chosen == "credentials_identifier" else await listing.count(db)
    return await _answer(call, found, include, paging.number_headers(call, page, total), chosen)


async def _filtered(call: Call, chosen: str, after: str, limit: int) -> Sequence[Listed]:
    db = call.ctx.db
    match chosen:
        case "ids":
            asked = call.all("ids")
            if len(asked) > MAX_IDS:
                raise errors.bad_request(f"The number of ids to filter must not exceed {MAX_IDS}.")
            return await listing.by_ids(db, [_must_id(text, "ids") for text in asked], after, limit)
        case "credentials_identifier":
            found = await _by_identifier(call, call.first(chosen))
            return [one for one in found if one.id > after][:limit]
        case "preview_credentials_identifier_similar":
            return await listing.page_similar(db, normalize.canonical(call.first(chosen)), after, limit)
        case "organization_id":
            return await listing.page_of_organization(db, _must_id(call.first(chosen), chosen), after, limit)
    return await listing.page(db, after, limit)


def _must_id(text: str, name: str) -> str:
    id_ = parse_id(text)
    if id_ is None:
        raise errors.bad_request(f"The query parameter {name} has to be a UUID, not {text!r}.")
    return id_


async def _by_identifier(call: Call, asked: str) -> list[Listed]:
    """Everybody with this identifier: normalised where the credential is, to the letter everywhere else."""
    db, normal = call.ctx.db, normalize.identifier(asked)
    found = {one.id: one for one in await listing.by_any_identifier(db, normal)}
    if asked == normal:
        return sorted(found.values(), key=lambda one: one.id)
    found |= {one.id: one for one in await listing.by_any_identifier(db, asked)}
    kept = [
        one
        for one in found.values()
        if any(
            asked in held.identifiers or (normal in held.identifiers and type_ in _NORMALISED)
            for type_, held in one.metadata_of_credentials().items()
        )
    ]
    return sorted(kept, key=lambda one: one.id)
