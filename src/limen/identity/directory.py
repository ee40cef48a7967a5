"""The directory: a narrow row for each person, and the words that find it. Written with the person, read by search.py."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.db.database import Commit, ProjectDatabase
from limen.identity import words
from limen.identity.model import Credential, Identity, decode

CHORE = "directory"  # the name of the work that makes entries of those who were here before there were any
_PAGE = 200

_INSERT = """
    insert into directory (project_id, identity_id, created_at, schema_id, state, verified, credentials, words)
    values (:project, :identity_id, :created_at, :schema_id, :state, :verified, :credentials, :words)
"""
_ADD_WORD = """
    insert into directory_words (project_id, word, created_at, identity_id)
    values (:project, :word, :created_at, :identity_id)
"""
_UPDATE = """
    update directory set schema_id = :schema_id, state = :state, verified = :verified, credentials = :credentials,
           words = :words
     where project_id = :project and identity_id = :identity_id
"""
_DROP_WORD = """
    delete from directory_words
     where project_id = :project and word = :word and created_at = :created_at and identity_id = :identity_id
"""
_DELETE = "delete from directory where project_id = :project and identity_id = :identity_id"
_SIGNED_IN = """
    update directory set last_login_at = :at
     where project_id = :project and identity_id = :identity_id and last_login_at < :at
"""
_COUNTS = """
    select (select count(*) from identities i where i.project_id = :project),
           (select count(*) from directory_words w where w.project_id = :project and w.word = :word)
"""
_LAST = "select last_login_at from directory where project_id = :project and identity_id = :identity_id"


class Entry(Struct, frozen=True):
    """A person's row: `credentials` are the types that are set up, between blanks; a line feed leads each of the `words`."""

    identity_id: str
    created_at: str
    schema_id: str
    state: str
    verified: int
    credentials: str
    words: str

    def found_by(self) -> set[str]:
        """The words that lead here: the person's, and one for each thing a list may be narrowed to."""
        held = (has(type_) for type_ in self.credentials.split())
        state = (
            () if self.state == "active" else (in_state(self.state),)
        )  # almost everybody is: there is nothing to narrow
        return {*self.words.split("\n")[1:], *held, *state, of_schema(self.schema_id), is_verified(bool(self.verified))}


# A person's own words have no blanks, so these are never mistaken for them.


def has(type_: str) -> str:
    return f" has {type_}"


def in_state(state: str) -> str:
    return f" state {state}"


def of_schema(schema_id: str) -> str:
    return f" schema {schema_id}"


def is_verified(verified: bool) -> str:
    return f" verified {'yes' if verified else 'no'}"


def entry(identity: Identity) -> Entry:
    return Entry(
        identity_id=identity.id,
        created_at=identity.created_at,
        schema_id=identity.schema_id,
        state=identity.state,
        verified=int(identity.has_verified_address()),
        credentials=" " + "".join(f"{t} " for t, c in sorted(identity.credentials.items()) if _is_set_up(c)),
        words="".join(f"\n{word}" for word in words.of_identity(identity)),
    )


def _is_set_up(credential: Credential) -> bool:
    """A schema gives people credentials to which they never added anything."""
    if credential.type == "password":
        config = credential.config
        return bool(config.get("hashed_password") or config.get("use_password_migration_hook"))
    return any(credential.config.values())


def add(commit: Commit, identity: Identity) -> None:
    made = entry(identity)
    commit.add(_INSERT, **_columns(made))
    commit.add_all(_ADD_WORD, _rows(identity, made.found_by()))


def change(commit: Commit, before: Identity, after: Identity) -> None:
    had, has_ = entry(before), entry(after)
    if had == has_:
        return
    columns = _columns(has_)
    del columns["created_at"]
    commit.add(_UPDATE, **columns)
    old, new = had.found_by(), has_.found_by()
    commit.add_all(_DROP_WORD, _rows(after, old - new))
    commit.add_all(_ADD_WORD, _rows(after, new - old))


def remove(commit: Commit, identity: Identity) -> None:
    commit.add(_DELETE, identity_id=identity.id)
    commit.add_all(_DROP_WORD, _rows(identity, entry(identity).found_by()))


def signed_in(commit: Commit, identity_id: str, at: str) -> None:
    """Note when somebody proved who they are; a moment before the last one changes nothing."""
    commit.add(_SIGNED_IN, identity_id=identity_id, at=at)


async def last_login(db: ProjectDatabase, identity_id: str) -> str | None:
    """When this person last proved who they are; None: never."""
    row = await db.row(_LAST, identity_id=identity_id)
    return (row[0] or None) if row else None


def _rows(identity: Identity, found_by: set[str]) -> list[dict[str, str]]:
    who = {"created_at": identity.created_at, "identity_id": identity.id}
    return [{"word": word, **who} for word in sorted(found_by)]


def _columns(made: Entry) -> dict[str, Any]:
    return {name: getattr(made, name) for name in made.__struct_fields__}


# --- people who were here before there was a directory --------------------------------------------------------------------

_MISSING = """
    select i.public, i.version, i.available_aal, i.metadata_admin, i.credentials from identities i
     where i.project_id = :project and i.id > :after
       and not exists (select 1 from directory d where d.project_id = i.project_id and d.identity_id = i.id)
     order by i.id limit :limit
"""
# Only as long as the person is what was read: a change meanwhile has its own words, and the next round finds it again.
_UNCHANGED = "from identities i where i.project_id = :project and i.id = :identity_id and i.version = :version"
_CATCH_UP = f"""
    insert into directory
        (project_id, identity_id, created_at, last_login_at, schema_id, state, verified, credentials, words)
    select i.project_id, i.id, i.created_at, coalesce((
               select max(s.created_at) from sessions s where s.project_id = i.project_id and s.identity_id = i.id
           ), ''), i.schema_id, i.state, cast(:verified as integer), cast(:credentials as text), cast(:words as text)
    {_UNCHANGED} on conflict do nothing
"""
_CATCH_UP_WORD = f"""
    insert into directory_words (project_id, word, created_at, identity_id)
    select i.project_id, cast(:word as text), i.created_at, i.id
    {_UNCHANGED} on conflict do nothing
"""


async def catch_up(db: ProjectDatabase) -> int:
    """Make an entry of everybody who has none; how many there were. May run beside everything else, and be repeated."""
    done, after = 0, ""
    while rows := await db.rows(_MISSING, after=after, limit=_PAGE):
        found = [decode(*row) for row in rows]
        commit = db.begin()
        for identity in found:
            made = entry(identity)
            who: dict[str, Any] = {"identity_id": identity.id, "version": identity.version}
            commit.add(_CATCH_UP, verified=made.verified, credentials=made.credentials, words=made.words, **who)
            commit.add_all(_CATCH_UP_WORD, [{"word": word, **who} for word in sorted(made.found_by())])
        await db.commit(commit)
        done += len(found)
        after = found[-1].id
    return done


async def counts(db: ProjectDatabase) -> dict[str, int]:
    """How many people there are, by state."""
    ((everybody, inactive),) = await db.scan(_COUNTS, word=in_state("inactive"))
    return {"active": int(everybody) - int(inactive), "inactive": int(inactive)}
