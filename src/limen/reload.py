"""A configuration that changes while the server runs: watched, read anew, and taken over whole or not at all.

The files are looked at twice a second instead of being subscribed to: that also sees a link that points elsewhere
(Kubernetes), a bind mount and a network share. A file counts as changed when it rests, not while it is being written.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import structlog
from msgspec import Struct
from msgspec.structs import replace

from limen.core import configreport, schemaload
from limen.core.config import Config
from limen.core.configkeys import dotted
from limen.core.configload import ConfigMistakes, Loaded
from limen.core.schema import IdentitySchema
from limen.core.schemaload import SchemaMistakes

INTERVAL = 0.5  # seconds between two looks
# What a running process cannot change: these keep their values until the next start, and that is said.
FIXED = (
    ("dsn",), ("dev",), ("watch_courier",), ("log",), ("tracing",), ("limen", "database"), ("limen", "hashing"),
    *(("limen", "console", what) for what in ("enabled", "host", "port")),
    *(("serve", port, what) for port in ("public", "admin") for what in ("host", "port", "socket", "tls")),
)  # fmt: skip
_log = structlog.get_logger("limen")

Stamp = tuple[int, ...] | None
Schemas = Mapping[str, IdentitySchema]
TakeOver = Callable[[Config, Schemas, Sequence[str]], Awaitable[None]]


class Files:
    """The files a configuration was read from, and those it names."""

    def __init__(self, read: Callable[[], Loaded], paths: Sequence[Path]) -> None:
        """Made before the first `read`, so that no change after it goes unseen."""
        self.read = read
        self._watched = tuple(paths)
        self._known = self._stamps()
        self._last = self._known

    def also(self, loaded: Loaded) -> None:
        """Watch the files that this configuration names, too."""
        named = {Path(unquote(url.removeprefix("file://"))) for url in _files(loaded.data)}
        fresh = [path for path in sorted(named) if path not in self._watched]
        self._watched = (*self._watched, *fresh)
        for seen in (self._known, self._last):
            seen.update({path: _stamp(path) for path in fresh})

    def changed(self) -> bool:
        """Whether something is different from what was read last, and has not moved since the last look."""
        now = self._stamps()
        rests, self._last = now == self._last, now
        if now == self._known or not rests:
            return False
        self._known = now
        return True

    def _stamps(self) -> dict[Path, Stamp]:
        return {path: _stamp(path) for path in self._watched}


def _stamp(path: Path) -> Stamp:
    """What differs once a file was written, replaced, or is reached by another link; None: it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _files(data: object) -> Iterator[str]:
    """The `file://` addresses anywhere in a configuration."""
    if isinstance(data, str):
        if data.startswith("file://"):
            yield data
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from _files(value)
    elif isinstance(data, list):
        for value in data:
            yield from _files(value)


class Source(Struct, frozen=True):
    """Where the configuration in force was read from."""

    files: Files
    loaded: Loaded


class Reload:
    """The loop. `current` tells the configuration in force, `take_over` makes another one that; it is told which keys differ."""

    def __init__(
        self, files: Files, loaded: Loaded, current: Callable[[], Config], take_over: TakeOver, asked: asyncio.Event
    ) -> None:
        self._files, self._data, self._current, self._take_over, self._asked = (
            files, loaded.data, current, take_over, asked,
        )  # fmt: skip
        files.also(loaded)

    async def run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), INTERVAL)
            if self._files.changed() or self._asked.is_set():
                self._asked.clear()
                await self._once()

    async def _once(self) -> None:
        try:
            loaded = await asyncio.to_thread(self._files.read)
            self._files.also(loaded)
            schemas = await asyncio.to_thread(schemaload.load, loaded.config, loaded.places, loaded.lines)
            config, kept = with_fixed(loaded.config, self._current())
            changed = sorted(_differences(self._data, loaded.data))
            await self._take_over(config, schemas.by_id, changed)
        except (ConfigMistakes, SchemaMistakes) as mistakes:
            _log.error("configuration.refused", why=configreport.plain(mistakes.problems), stays="the one before")
            return
        except Exception:
            _log.exception("configuration.refused", stays="the one before")
            return
        self._data = loaded.data
        if warnings := [*loaded.warnings, *schemas.warnings]:
            _log.warning("configuration.doubtful", what=configreport.plain(warnings))
        if kept:
            _log.warning("configuration.needs_restart", keys=", ".join(kept))
        _log.info("configuration.changed", keys=", ".join(changed) or "none; files it names")


def with_fixed(fresh: Config, before: Config) -> tuple[Config, list[str]]:
    """The new configuration with what cannot change while the server runs, and which keys these were."""
    kept = []
    for path in FIXED:
        old = _at(before, path)
        if _at(fresh, path) != old:
            kept.append(dotted(path))
            fresh = _put(fresh, path, old)
    return fresh, kept


def _at(section: Any, path: Sequence[str]) -> Any:
    for name in path:
        section = getattr(section, name)
    return section


def _put(section: Any, path: Sequence[str], value: Any) -> Any:
    name, *rest = path
    return replace(section, **{name: _put(getattr(section, name), rest, value) if rest else value})


def _differences(old: object, new: object, at: tuple[str, ...] = ()) -> Iterator[str]:
    """The dotted names of the keys that differ; their values may be secret."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in {*old, *new}:
            yield from _differences(old.get(name), new.get(name), (*at, str(name)))
    elif old != new:
        yield dotted(at)


def paths_of(files: Iterable[str]) -> list[Path]:
    """What `-c` names: files, also several in one with commas between."""
    return [Path(part) for file in files for part in file.split(",") if part]
