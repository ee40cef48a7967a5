"""What the package imports is what it declares: nothing that merely happens to be installed here."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]


def imported(file: Path) -> set[str]:
    """The top-level names of all modules a file imports, wherever it does so."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_every_imported_package_is_declared() -> None:
    declared = {
        re.split(r"[^A-Za-z0-9_.-]", wanted)[0].lower()
        for wanted in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    }
    used = set().union(*(imported(file) for file in (ROOT / "src").rglob("*.py")))
    providers = packages_distributions()
    missing = {
        name
        for name in used - set(sys.stdlib_module_names) - {"limen"}
        if not declared & {provider.lower() for provider in (*providers.get(name, []), name.replace("_", "-"))}
    }
    assert missing == set()
