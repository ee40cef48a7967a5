"""Logging belongs to the process, and tests share one: who sets it up anew puts it back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from limen import log


@contextmanager
def kept() -> Iterator[None]:
    """Whatever is set up inside is as it was afterwards."""
    config, threshold = structlog.get_config(), log._threshold
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    try:
        yield
    finally:
        structlog.configure(**config)
        log._threshold = threshold
        root.handlers[:] = handlers
        root.setLevel(level)
