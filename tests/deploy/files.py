"""The files in deploy/, read as the programs read them that they are for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy"
_VARIABLE = re.compile(r"\$\{(\w+)(?::\?[^}]*)?\}")


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((FOLDER / "compose.yml").read_text()))


def asked() -> set[str]:
    """The variables compose.yml refuses to do without."""
    return {found[1] for found in _VARIABLE.finditer((FOLDER / "compose.yml").read_text())}


def environment(service: str, given: dict[str, str]) -> dict[str, str]:
    """What a service gets, when `given` stands in deploy/.env."""
    found: dict[str, str] = compose()["services"][service]["environment"]
    return {name: _VARIABLE.sub(lambda variable: given[variable[1]], value) for name, value in found.items()}


def instruction(name: str) -> list[str]:
    """The words of an instruction of the Containerfile that has them as a list, such as CMD."""
    text = (FOLDER / "Containerfile").read_text().replace("\\\n", " ")
    found = re.findall(rf"^{name} (?:--\S+ +)*(?:CMD +)?(\[.*\])$", text, re.MULTILINE)
    assert len(found) == 1, name
    return list(yaml.safe_load(found[0]))


def unit(name: str) -> list[str]:
    """The values of a setting of limen.service."""
    return re.findall(rf"^{name}=(.*)$", (FOLDER / "limen.service").read_text(), re.MULTILINE)
