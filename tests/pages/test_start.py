"""What the pages cost a server that shows none."""

from __future__ import annotations

import subprocess
import sys


def test_the_template_engine_is_loaded_with_the_first_page() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, limen.app; print('jinja2' in sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.strip() == "False"
