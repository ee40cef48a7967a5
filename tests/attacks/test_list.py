"""The table in README.md names every test of an attack, and no test that is not there."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
LINK = re.compile(r"\[(test_\w+)\]\(([\w./]+)\)")
NAMED = re.compile(r"^def (test_\d{2,3}_\w+)", re.MULTILINE)


def rows() -> list[tuple[str, str, str]]:
    """Case number, test, and the file it is said to stand in."""
    table = (HERE / "README.md").read_text("utf-8").splitlines()
    lines = [line for line in table if re.match(r"\| \d", line)]
    return [(line.split()[1], test, file) for line in lines for test, file in LINK.findall(line)]


def test_what_the_table_names_is_there() -> None:
    for _, test, file in rows():
        assert f"def {test}(" in (HERE / file).read_text("utf-8"), (test, file)


def test_what_is_there_is_named_under_its_number() -> None:
    named = {
        (test.split("_")[1], test) for path in HERE.glob("test_*.py") for test in NAMED.findall(path.read_text("utf-8"))
    }
    told = {(number, test) for number, test, file in rows() if "/" not in file}
    assert told == named
