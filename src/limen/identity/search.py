"""Finding people: by words, narrowed and sorted, a page at a time, in bounded work however many there are.

Two ways lead to a page (docs/decisions/0016). When few people fit one of the conditions, they are gathered, checked against
the others and sorted. Otherwise the directory is walked in the order asked for, which meets people who fit soon enough; where
it does not, the page ends early and says where to go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from limen.core.ids import parse_id
from limen.db.database import ProjectDatabase, Row, names
from limen.identity import directory, listing, words
from limen.identity.listing import Listed

Sort = Literal["created_at", "-created_at", "last_login_at", "-last_login_at"]
_OPPOSITE: Mapping[Sort, Sort] = {
    "created_at": "-created_at",
    "-created_at": "created_at",
    "last_login_at": "-last_login_at",
    "-last_login_at": "last_login_at",
}
FEW = 3_000  # people who are gathered and sorted, and each looked up for it; some 15 ms
REACH = 20_000  # people who are walked past for one page; some 8 ms
FAR = 2  # how many times as far that is where neighbours in the order asked for lie apart
_ID_LENGTH, _ID_BEGINNING = 36, 8  # an id's length, and how much of it can be told from a word


class Query(Struct, frozen=True, kw_only=True):
    """What somebody looks for. All that is set has to fit; `has` are types of credentials, times are stamps."""

    text: str = ""
    state: str = ""
    schema_id: str = ""
    created_after: str = ""
    verified: bool | None = None
    has: tuple[str, ...] = ()
    sort: Sort = "-created_at"


class Key(Struct, frozen=True, array_like=True):
    """Where a page begins: behind this person, in this order."""

    sort: Sort
    value: str
    id: str


class Page(Struct, frozen=True):
    """`following` is the key of the next page, `before` that of the one before. A page may have fewer people than asked for,
    or none, and yet be followed.
    """

    found: list[Listed]
    following: Key | None
    before: Key | None = None


class _Condition(Struct, frozen=True):
    """One thing that has to fit: as a condition on `directory d`, and as who fits, where an index knows them."""

    fits: str
    people: str
    params: dict[str, Any]
    fact: str = ""  # a condition on the word that these people have in common, by which they come in the order of age


async def page(db: ProjectDatabase, query: Query, at: Key | None, size: int) -> Page:
    """The people who fit, behind `at`; or, when that is a key of the opposite order, those before it."""
    if at is None or at.sort == query.sort:
        return await _page(db, query, at, size)
    back = await _page(db, replace(query, sort=at.sort), at, size)
    # On the way back the page that follows lies before, and the one we came from follows.
    return Page(back.found[::-1], back.before, back.following)


def opposite(sort: Sort) -> Sort:
    return _OPPOSITE[sort]


def _turned(key: Key) -> Key:
    return Key(opposite(key.sort), key.value, key.id)


async def _page(db: ProjectDatabase, query: Query, after: Key | None, size: int) -> Page:
    conditions = await _conditions(db, query)
    if conditions is None:
        return Page([], None)
    narrow = await _narrowest(db, conditions)
    rows, cut = (
        (await _gathered(db, narrow, conditions, query.sort, after, size), None)
        if narrow
        else await _walked(db, conditions, query, after, size)
    )
    shown = rows[:size]
    following = Key(query.sort, *shown[-1][:2]) if len(rows) > size else cut
    before = _turned(Key(query.sort, *shown[0][:2]) if shown else after) if after else None
    logins = {row[1]: row[2] for row in shown if len(row) > 2}
    return Page(await listing.listed(db, [row[1] for row in shown], logins), following, before)


# --- conditions -----------------------------------------------------------------------------------------------------------

_WORDS = "select created_at, identity_id from directory_words where project_id = :project and word"
_BEGINNING = _WORDS + " >= :{0} and word < :{0}_end"
_MARK = _WORDS + " = :{0}"
_HAS_MARK = """exists (
    select 1 from directory_words w
     where w.project_id = :project and w.word = :{0} and w.created_at = f.created_at and w.identity_id = f.identity_id
)"""
_DIRECTORY = "select created_at, identity_id from directory where project_id = :project and "
_ID = _DIRECTORY + "identity_id >= :{0} and identity_id < :{0}_end"
# Facts that go for most people, or for as many as not.
_USUAL = frozenset({*map(directory.is_verified, (True, False)), *map(directory.has, ("password", "code"))})
_SINCE = _DIRECTORY + "created_at > :since"


async def _conditions(db: ProjectDatabase, query: Query) -> list[_Condition] | None:
    """None: nobody can fit."""
    found = [await _word(db, number, word) for number, word in enumerate(words.asked(query.text))]
    if query.text.strip() and not found:
        return None
    if query.state:
        found.append(_mark("state", "d.state = :state", query.state, directory.in_state(query.state)))
    if query.verified is not None:
        mark = directory.is_verified(query.verified)
        found.append(_mark("verified", "d.verified = :verified", int(query.verified), mark))
    for number, type_ in enumerate(query.has):
        name = f"has_{number}"
        found.append(_mark(name, f"d.credentials like :{name}", f"% {type_} %", directory.has(type_)))
    if query.schema_id:
        found.append(_mark("schema", "d.schema_id = :schema", query.schema_id, directory.of_schema(query.schema_id)))
    if query.created_after:
        found.append(_Condition("d.created_at > :since", _SINCE, {"since": query.created_after}))
    return found


def _mark(name: str, fits: str, value: Any, mark: str) -> _Condition:
    """A value that the directory has a word for. Of active people it has none, who are nearly all."""
    if mark == directory.in_state("active"):
        return _Condition(fits, "", {name: value})
    word = f"{name}_mark"
    return _Condition(fits, _MARK.format(word), {name: value, word: mark}, _HAS_MARK.format(word))


async def _word(db: ProjectDatabase, number: int, word: str) -> _Condition:
    name = f"word_{number}"
    if id_ := _beginning_of_id(word):
        range_ = {name: id_, f"{name}_end": id_ + "g"}
        people = _ID.format(name)
        if await db.row(f"{people} limit 1", **range_):
            return _Condition(f"d.identity_id >= :{name} and d.identity_id < :{name}_end", people, range_)
    pattern = word.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return _Condition(
        f"d.words like :{name}_like escape '!'",
        _BEGINNING.format(name),
        {name: word, f"{name}_end": word + "\U0010ffff", f"{name}_like": f"%\n{pattern}%"},
    )


def _beginning_of_id(word: str) -> str:
    """The id, or its first characters, if this can be one: a whole one in any spelling, or eight digits and more."""
    if whole := parse_id(word):
        return whole
    canonical = "00000000-0000-0000-0000-000000000000"
    if not _ID_BEGINNING <= len(word) < _ID_LENGTH:
        return ""
    fits = all(c == "-" if like == "-" else c in "0123456789abcdef" for c, like in zip(word, canonical, strict=False))
    return word if fits else ""


# --- the two ways ---------------------------------------------------------------------------------------------------------


async def _narrowest(db: ProjectDatabase, conditions: list[_Condition]) -> _Condition | None:
    """The condition that the fewest people fit, if they are few."""
    known = [condition for condition in conditions if condition.people]
    if not known:
        return None
    counts = ", ".join(f"(select count(*) from ({one.people} limit {FEW + 1}) few_{i})" for i, one in enumerate(known))
    sql = f"select {counts}"
    row = (await db.scan(sql, **_params(known, sql)))[0]
    least = min(range(len(known)), key=lambda i: int(row[i]))
    return known[least] if row[least] <= FEW else None


def _order(sort: Sort) -> tuple[str, str, str]:
    """The column, and the direction as SQL has it in comparisons and in orders."""
    return (sort[1:], "<", "desc") if sort[0] == "-" else (sort, ">", "asc")


async def _gathered(
    db: ProjectDatabase, narrow: _Condition, conditions: list[_Condition], sort: Sort, after: Key | None, size: int
) -> list[Row]:
    """The few, checked one by one. The innermost select keeps both databases from reading everybody instead."""
    column, beyond, direction = _order(sort)
    others = [condition for condition in conditions if condition is not narrow]
    value = "f.created_at"
    if others or column != "created_at":
        value = f"""(
            select d.{column} from directory d
             where d.project_id = :project and d.created_at = f.created_at and d.identity_id = f.identity_id
               and {_all(others)}
        )"""
    sql = f"""
        with found as materialized (
            select {value} as value, f.identity_id as id
              from (select distinct created_at, identity_id from ({narrow.people}) few) f
        )
        select value, id from found where value is not null {_behind(after, "value", "id", beyond)}
         order by value {direction}, id {direction} limit :size
    """
    return list(await db.scan(sql, size=size + 1, **_params(conditions, sql), **_key(after)))


async def _walked(
    db: ProjectDatabase, conditions: list[_Condition], query: Query, after: Key | None, size: int
) -> tuple[list[Row], Key | None]:
    """Those who fit among the next ones in this order, and where the walk was cut short."""
    column, beyond, direction = _order(query.sort)
    along = _fact(conditions) if column == "created_at" else None
    others = [one for one in conditions if one is not along]
    behind = _behind(after, column, "identity_id", beyond)
    if query.created_after and column == "created_at":  # a bound of the walk itself: nothing lies behind it
        behind += " and created_at > :since"
    source = along.people if along else "select * from directory where project_id = :project"
    ordered = f"{source} {behind} order by {column} {direction}, identity_id {direction}"
    reach = _along(others) if along else _reach(db, column)
    found = "f.created_at, f.identity_id" if along else f"d.{column}, d.identity_id, d.last_login_at"
    # A subquery with a limit comes out in its order on both databases, and ends as soon as the page is full.
    sql = f"""
        select {found} from ({ordered} limit {reach}) {"f" if along else "d"}
         where {_elsewhere(others) if along else _all(others)} limit :size
    """
    rows = list(await db.scan(sql, size=size + 1, **_params(conditions, sql), **_key(after)))
    if len(rows) > size:
        return rows, None
    end = f"select {column}, identity_id from ({ordered} limit 1 offset {reach - 1}) d"
    last = await db.scan(end, **_params(conditions, end), **_key(after))
    return rows, Key(query.sort, *last[0]) if last else None


def _reach(db: ProjectDatabase, column: str) -> int:
    """How many people of the directory a page passes: fewer where one does not lie next to the one before."""
    if column != "created_at":
        return max(REACH // (FAR * FAR), 1)
    return REACH if db.keeps_order else max(REACH // FAR, 1)


def _along(others: list[_Condition]) -> int:
    """The same along a fact: fewer where each person is looked up among those of another fact, or in the directory."""
    if not others:
        return REACH
    return max(REACH // (FAR * FAR) if all(one.fact for one in others) else min(FEW, REACH), 1)


def _fact(conditions: list[_Condition]) -> _Condition | None:
    """The fact to walk along: the only condition, or one that sets few people apart."""
    facts = [one for one in conditions if one.fact]
    if len(conditions) == 1 and facts:
        return facts[0]
    return next((one for one in facts if not _USUAL.intersection(map(str, one.params.values()))), None)


def _elsewhere(conditions: list[_Condition]) -> str:
    """The same for people of whom the directory's row was not read yet. Those of a fact lie close together."""
    found = [one.fact for one in conditions if one.fact]
    if others := [one for one in conditions if not one.fact]:
        found.append(f"""exists (
            select 1 from (
                select i.* from directory i
                 where i.project_id = :project and i.created_at = f.created_at and i.identity_id = f.identity_id
            ) d where {_all(others)}
        )""")
    return " and ".join(found) or "1 = 1"


def _all(conditions: list[_Condition]) -> str:
    return " and ".join(condition.fits for condition in conditions) or "1 = 1"


def _behind(after: Key | None, column: str, id_: str, beyond: str) -> str:
    return f"and ({column}, {id_}) {beyond} (:after, :after_id)" if after else ""


def _key(after: Key | None) -> dict[str, str]:
    return {"after": after.value, "after_id": after.id} if after else {}


def _params(conditions: list[_Condition], sql: str) -> dict[str, Any]:
    """What the statement names, and nothing else: SQLite would not mind, PostgreSQL would."""
    wanted = set(names(sql))
    return {name: value for one in conditions for name, value in one.params.items() if name in wanted}
