"""The reference page of the errors."""

from __future__ import annotations

import re
from pathlib import Path

from limen.core import errordoc, errors

PAGE = Path(__file__).parents[2] / "docs/reference/errors.md"


def test_the_reference_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == errordoc.markdown(), f"run: python -m limen.core.errordoc > {PAGE}"


def test_the_page_names_every_id() -> None:
    written = set(re.findall(r'\bid="(\w+)"', Path(errors.__file__).read_text("utf-8")))
    assert "session_inactive" in written
    assert written == {error.id for error in errordoc.examples() if error.id}
