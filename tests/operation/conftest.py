"""Processes and databases for the tests of operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import new_dsn, postgres
from tests.support.process import Node, configured

MakeNode = Callable[..., Node]
Configure = Callable[..., str]


@pytest.fixture
def node() -> Iterator[MakeNode]:
    """Make servers in processes of their own; those that still run in the end are killed."""
    made: list[Node] = []

    def make(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Node:
        made.append(Node(folder, *arguments, env=env))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def dsn(database: str, tmp_path: Path) -> str:
    """A database of each kind, which a server may start on."""
    return new_dsn(database, tmp_path)


@pytest.fixture
def empty(database: str, tmp_path: Path) -> str:
    """A database of each kind that has no tables yet."""
    return postgres().new(migrated=False) if database == "postgres" else new_dsn(database, tmp_path)


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Write a configuration with these differences to the base one; returns its path."""

    def make(dsn: str, over: Mapping[str, Any] | None = None, name: str = "limen.yml") -> str:
        return configured(tmp_path, dsn, over, name)

    return make
