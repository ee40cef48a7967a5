"""The one way to a database: statements with `:names`, confined to a project, and commits that say what they expect.

Everything written together is a `Commit`: a list of statements, each with the number of rows it must touch. It runs as one
transaction in one trip; nothing is read in between, so nothing can change between a read and a write.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Protocol

from limen.core import errors
from limen.core.errors import LimenError

Row = Sequence[Any]
Params = dict[str, Any]

PROJECT = ":project"
_NAMES = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")


class DatabaseError(Exception):
    """The database could not be reached or refused to work; told to the operator, never to a person."""


class UniqueViolation(Exception):
    """A statement would have stored a value that must be unique twice. `detail` is the driver's text."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Unmet(Exception):
    """A statement of a commit did not touch the rows it had to; nothing of the commit was written."""


class Statement:
    """One statement of a commit. `expect` None: any number of rows. `count`: how many it was, once it is committed.

    `fleeting`: a power cut may undo it, as far as it stands alone: a form that was opened, and can be opened again.
    `alike`: nobody asks how many rows it was, so it may run together with its neighbours of the same text.
    """

    __slots__ = ("alike", "count", "expect", "fleeting", "otherwise", "params", "sql", "taken")

    def __init__(
        self,
        sql: str,
        params: Params,
        expect: int | None = None,
        otherwise: Callable[[], Exception] | None = None,
        taken: Callable[[], Exception] | None = None,
        *,
        fleeting: bool = False,
        alike: bool = False,
    ) -> None:
        self.sql, self.params, self.expect, self.otherwise, self.taken = sql, params, expect, otherwise, taken
        self.fleeting, self.alike = fleeting, alike
        self.count = 0

    def check(self, count: int) -> None:
        self.count = count
        if self.expect is not None and count != self.expect:
            raise self.otherwise() if self.otherwise else Unmet(self.sql)

    def clash(self, detail: str) -> Exception:
        return self.taken() if self.taken else UniqueViolation(detail)


class Commit:
    """What is written together or not at all."""

    __slots__ = ("_project", "statements")

    def __init__(self, project: str) -> None:
        self._project = project
        self.statements: list[Statement] = []

    def add(
        self,
        sql: str,
        *,
        expect: int | None = None,
        otherwise: Callable[[], Exception] | None = None,
        taken: Callable[[], Exception] | None = None,
        fleeting: bool = False,
        **params: Any,
    ) -> Statement:
        """Add a statement, and return it.

        :param expect: how many rows it must touch; otherwise the commit is undone and `otherwise()` is raised
        :param taken: makes the error for a value that is unique and stored already
        :param fleeting: see `Statement`
        """
        statement = Statement(sql, confined(sql, self._project, params), expect, otherwise, taken, fleeting=fleeting)
        self.statements.append(statement)
        return statement

    def add_all(self, sql: str, rows: Sequence[Params], *, taken: Callable[[], Exception] | None = None) -> None:
        for params in rows:
            self.statements.append(Statement(sql, confined(sql, self._project, params), None, None, taken, alike=True))


class Driver(Protocol):
    """What SQLite and PostgreSQL each bring."""

    dialect: str

    async def rows(self, sql: str, params: Params) -> Sequence[Row]: ...
    async def scan(self, sql: str, params: Params) -> Sequence[Row]: ...
    async def write(self, sql: str, params: Params) -> Sequence[Row]: ...
    async def commit(self, statements: Sequence[Statement]) -> None: ...
    async def insert_each(self, groups: Sequence[Sequence[Statement]]) -> list[bool]: ...
    async def script(self, statements: Sequence[str]) -> None: ...
    async def locked(self, work: Callable[[], Awaitable[None]]) -> None: ...
    async def ping(self) -> None: ...
    async def close(self) -> None: ...


class ProjectDatabase:
    """A database that cannot be asked about another project: every statement names `:project`, and we supply it."""

    __slots__ = ("_driver", "project")

    def __init__(self, driver: Driver, project: str) -> None:
        self._driver, self.project = driver, project

    @property
    def keeps_order(self) -> bool:
        """Whether a table lies in the order of its key (`/*clustered*/`), so that reading on in it is cheap."""
        return self._driver.dialect == "sqlite"

    async def row(self, sql: str, **params: Any) -> Row | None:
        """The first row, or None."""
        found = await self._driver.rows(sql, confined(sql, self.project, params))
        return found[0] if found else None

    async def rows(self, sql: str, **params: Any) -> Sequence[Row]:
        return await self._driver.rows(sql, confined(sql, self.project, params))

    async def scan(self, sql: str, **params: Any) -> Sequence[Row]:
        """The rows of a statement that looks at many; nobody else waits for it."""
        return await self._driver.scan(sql, confined(sql, self.project, params))

    async def write(self, sql: str, **params: Any) -> Sequence[Row]:
        """One writing statement with `returning`; its rows. Empty when it touched none."""
        return await self._driver.write(sql, confined(sql, self.project, params))

    def begin(self) -> Commit:
        """Collect statements; nothing happens before `commit`."""
        return Commit(self.project)

    async def commit(self, commit: Commit) -> None:
        """Run what was collected, in one transaction.

        :raises LimenError: what a statement's `otherwise` or `taken` made
        :raises UniqueViolation: a unique value is stored already and the statement had no `taken`
        """
        if commit.statements:
            await self._driver.commit(commit.statements)

    async def insert_each(self, commits: Sequence[Commit]) -> list[bool]:
        """Run many commits that only insert, in one transaction, each for itself.

        :returns: for each whether it was stored; False: a value that must be unique is stored already
        """
        return await self._driver.insert_each([commit.statements for commit in commits]) if commits else []


_CONFINED: set[str] = set()  # statements are constants, so this is as small as the program


def confined(sql: str, project: str, params: Params) -> Params:
    """The parameters with the project in them. A statement that names no project does not run.

    :raises ValueError: no `:project` in the statement, or a project among the parameters
    :raises ApiError: 400, a text has the one character that PostgreSQL keeps in none
    """
    if sql not in _CONFINED or "project" in params:
        if PROJECT not in sql or "project" in params:
            raise ValueError(f"a statement must be confined to a project: {sql}")
        _CONFINED.add(sql)
    for value in params.values():
        if value.__class__ is str and "\0" in value:
            raise errors.null_character()
    params["project"] = project
    return params


def together(groups: Sequence[Sequence[Statement]]) -> dict[str, list[Params]]:
    """The parameters of all these statements by their text; the texts in the order they first come in."""
    found: dict[str, list[Params]] = {}
    for statements in groups:
        for statement in statements:
            found.setdefault(statement.sql, []).append(statement.params)
    return found


def runs(statements: Sequence[Statement]) -> Iterator[list[Statement]]:
    """The statements in their order, those together that may run together."""
    run: list[Statement] = []
    for statement in statements:
        if run and not (statement.alike and run[0].alike and statement.sql == run[0].sql):
            yield run
            run = []
        run.append(statement)
    if run:
        yield run


def names(sql: str) -> Iterator[str]:
    """The `:names` of a statement, in order, repeated as often as they stand there."""
    return (match.group(1) for match in _NAMES.finditer(sql))


def positional(sql: str, mark: str = "$") -> tuple[str, tuple[str, ...]]:
    """`… where a = :a and b = :b and c = :a` as `… where a = $1 and b = $2 and c = $1` and ("a", "b")."""
    order: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match.group(1) not in order:
            order.append(match.group(1))
        return f"{mark}{order.index(match.group(1)) + 1}"

    return _NAMES.sub(number, sql), tuple(order)


MEANT = (LimenError, Unmet, UniqueViolation)
