"""Templates that operators saved, in the database. Nothing is kept in memory: what is saved counts on every node at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec
from msgspec import Struct

from limen.core import errors
from limen.core.ids import parse_id
from limen.courier.kinds import Part
from limen.db.database import Commit, ProjectDatabase, Row
from limen.project import operators
from limen.project.operators import Role

EVERY_LANGUAGE: Final = ""
KEPT: Final = 50  # versions of a template in a language
_COLUMNS: Final = "template, language, version, parts, saved_at, saved_by, restored_from"
_NEWEST: Final = """
    version = (select max(n.version) from message_templates n
                where n.project_id = :project and n.template = t.template and n.language = t.language)
"""
_ALL: Final = f"select {_COLUMNS} from message_templates t where project_id = :project and {_NEWEST}"
_OF: Final = f"""
    select {_COLUMNS} from message_templates t
     where project_id = :project and template = :template and language in ('', :language) and {_NEWEST}
"""
_VERSIONS: Final = f"""
    select {_COLUMNS} from message_templates
     where project_id = :project and template = :template and language = :language order by version desc
"""
_INSERT: Final = """
    insert into message_templates (project_id, template, language, version, parts, saved_at, saved_by, restored_from)
    values (:project, :template, :language, :version, :parts, :saved_at, :saved_by, :restored_from)
"""
_FORGET: Final = """
    delete from message_templates
     where project_id = :project and template = :template and language = :language and version <= :oldest
"""


class Saved(Struct, frozen=True):
    """A version of a template: the sources of the parts that are not the default's. None: all are."""

    template: str
    language: str
    version: int
    parts: dict[Part, str]
    saved_at: str
    saved_by: str
    restored_from: int | None = None


class InForce(Struct, frozen=True):
    """What is saved for a template, as somebody who reads a language gets it: part by part, that language's first."""

    versions: tuple[Saved, ...] = ()

    def part(self, part: Part) -> str | None:
        return next((one.parts[part] for one in self.versions if part in one.parts), None)


async def in_force(db: ProjectDatabase, template: str, language: str) -> InForce:
    return for_reader([_saved(row) for row in await db.rows(_OF, template=template, language=language)], language)


def for_reader(newest: Iterable[Saved], language: str) -> InForce:
    """What counts for a language, of the newest versions of a template."""
    found = [one for one in newest if one.language in (language, EVERY_LANGUAGE)]
    return InForce(tuple(sorted(found, key=lambda one: one.language, reverse=True)))


async def for_recipient(db: ProjectDatabase, found: InForce, recipient: str | None) -> InForce:
    """What counts in a message to this person. An operator gets none that somebody with fewer rights saved: it sees codes
    and links, so that it could lead them elsewhere.
    """
    role = await operators.role_of(db, recipient) if recipient and found.versions else ""
    if not role:
        return found
    return InForce(tuple([one for one in found.versions if operators.reaches(await _rights(db, one), role)]))


async def _rights(db: ProjectDatabase, one: Saved) -> Role | Literal[""]:
    """The role that whoever saved a template has now."""
    who = one.saved_by.removeprefix("operator:")
    if who == "local":  # whoever sits at this machine, where operators need not sign in
        return "owner"
    return await operators.role_of(db, id_) if (id_ := parse_id(who)) else ""


async def everything(db: ProjectDatabase) -> list[Saved]:
    """The newest version of each template in each language."""
    return [_saved(row) for row in await db.rows(_ALL)]


async def newest(db: ProjectDatabase, template: str, language: str) -> Saved | None:
    return next((one for one in (await in_force(db, template, language)).versions if one.language == language), None)


async def versions(db: ProjectDatabase, template: str, language: str) -> list[Saved]:
    """The newest first."""
    return [_saved(row) for row in await db.rows(_VERSIONS, template=template, language=language)]


def add(commit: Commit, one: Saved) -> None:
    """:raises ApiError: 409, in the commit: somebody else saved this version"""
    commit.add(
        _INSERT,
        taken=lambda: errors.conflict("Somebody else saved this template in the meantime: look at it, then save again."),
        template=one.template, language=one.language, version=one.version, parts=msgspec.json.encode(one.parts).decode(),
        saved_at=one.saved_at, saved_by=one.saved_by, restored_from=one.restored_from,
    )  # fmt: skip
    commit.add(_FORGET, template=one.template, language=one.language, oldest=one.version - KEPT)


_parts = msgspec.json.Decoder(dict[Part, str])


def _saved(row: Row) -> Saved:
    return Saved(row[0], row[1], int(row[2]), _parts.decode(row[3]), row[4], row[5], row[6])
