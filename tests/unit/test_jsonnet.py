"""Snippets are evaluated, and none can read a file, run for long or grow."""

from __future__ import annotations

import asyncio
import json

import pytest

from limen.core import jsonnet


async def test_a_function_is_given_its_arguments() -> None:
    text = await jsonnet.evaluate("function(ctx) {to: ctx.recipient}", ctx={"recipient": "ann"})
    assert json.loads(text) == {"to": "ann"}


async def test_variables_are_found() -> None:
    text = await jsonnet.evaluate("std.extVar('claims').sub", ext={"claims": {"sub": "7"}})
    assert json.loads(text) == "7"


async def test_cancelling_is_told_apart_from_failing() -> None:
    with pytest.raises(jsonnet.Cancelled):
        await jsonnet.evaluate("function(ctx) if ctx then error 'cancel' else 1", ctx=True)
    with pytest.raises(jsonnet.JsonnetError) as raised:
        await jsonnet.evaluate("error 'cancelled by hand'")
    assert type(raised.value) is jsonnet.JsonnetError


@pytest.mark.parametrize(
    ("snippet", "told"),
    [
        ("{a:", "hook.jsonnet:1:4 Unexpected end of file"),
        ("function(ctx) 1", "Missing argument: ctx at Top-level function call"),
        ('importstr "/etc/passwd"', "files cannot be imported at hook.jsonnet:1:1-24"),
        ('import "x.jsonnet"', "files cannot be imported at hook.jsonnet:1:1-19"),
        ("local f(x) = f(x + 1); f(0)", "max stack frames exceeded. at hook.jsonnet:1:14-22"),
    ],
)
async def test_a_mistake_is_told_with_its_place(snippet: str, told: str) -> None:
    with pytest.raises(jsonnet.JsonnetError) as raised:
        await jsonnet.evaluate(snippet, name="hook.jsonnet")
    assert str(raised.value).startswith(told)


@pytest.mark.parametrize(
    ("snippet", "told"),
    [
        ("std.length(std.range(1, 1000000000))", "it takes too much memory"),
        # A processor that is slow may spend its time before the memory is full.
        ("std.foldl(function(s, i) s + s, std.range(1, 40), 'ab')", "it takes too (much memory|long)"),
        (
            "std.foldl(function(s, i) s + std.length(std.range(1, 999)), std.range(1, 200000), 0)",
            "it takes too long",
        ),
        ("std.foldl(function(s, i) s + s, std.range(1, 20), 'ab')", "it makes more than"),
    ],
)
async def test_what_takes_too_much_is_stopped_and_the_next_one_works(snippet: str, told: str) -> None:
    with pytest.raises(jsonnet.JsonnetError, match=told):
        await jsonnet.evaluate(snippet)
    assert await jsonnet.evaluate("1 + 1") == "2\n"


async def test_many_at_a_time_wait_for_each_other() -> None:
    texts = await asyncio.gather(*(jsonnet.evaluate(f"{i} * 2") for i in range(20)))
    assert [int(text) for text in texts] == [i * 2 for i in range(20)]
