"""Jsonnet is written evenly, means the same afterwards, and is left alone the second time."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from limen.cli import main
from limen.core.jsonnetformat import formatted

PAIRS = [
    ("{a:1,'b':2}", "{ a: 1, b: 2 }\n"),
    ('{"a-b": "it\'s", "c": "plain"}', "{ 'a-b': \"it's\", c: 'plain' }\n"),
    ('{ "for": 1, "x": @"\\d" }', "{ 'for': 1, x: @\"\\d\" }\n"),
    ("# a comment\nlocal x = 1;\nx", "// a comment\nlocal x = 1;\nx\n"),
    ("{\n    a: 1,\n        b: [\n 1,\n 2\n ]\n}", "{\n  a: 1,\n  b: [\n    1,\n    2,\n  ],\n}\n"),
    ("{ [k]: 1 for k in ['a']\n}", "{ [k]: 1 for k in ['a']\n}\n"),
    ("local c =\n{\na: 1\n} + x;\nc", "local c =\n  {\n    a: 1,\n  } + x;\nc\n"),
    ("f({\na: 1 // one\n})", "f({\n  a: 1,  // one\n})\n"),
    ("{ a: if x\n     then 1\n     else 2 }", "{ a: if x\n     then 1\n     else 2 }\n"),
    ("x[1:2] + -1 + !y.z", "x[1:2] + -1 + !y.z\n"),
    ("{ a: |||\n    text  {a:1}\n  ||| }", "{ a: |||\n    text  {a:1}\n  ||| }\n"),
    ("a\n\n\n\nb", "a\n\nb\n"),
    ("", ""),
    ("function(ctx) { a :: ctx.x, b+: {} }", "function(ctx) { a:: ctx.x, b+: {} }\n"),
]


@pytest.mark.parametrize(("source", "wanted"), PAIRS)
def test_it_is_written_evenly(source: str, wanted: str) -> None:
    assert formatted(source) == wanted


@pytest.mark.parametrize("source", [pair[0] for pair in PAIRS])
def test_the_second_time_changes_nothing(source: str) -> None:
    once = formatted(source)
    assert formatted(once) == once


def test_files_are_printed_or_written_back(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.jsonnet", tmp_path / "bad.jsonnet"
    good.write_text("{a:1}")
    bad.write_text("{a:")
    run = CliRunner().invoke
    assert run(main, ["format", "jsonnet", str(good)]).stdout == "{ a: 1 }\n"
    assert good.read_text() == "{a:1}"
    done = run(main, ["format", "jsonnet", "-w", str(tmp_path / "*.jsonnet")])
    assert (done.exit_code, good.read_text(), bad.read_text()) == (1, "{ a: 1 }\n", "{a:")
    assert "bad.jsonnet" in done.stderr
    assert run(main, ["jsonnet", "format", str(good)]).exit_code == 0
