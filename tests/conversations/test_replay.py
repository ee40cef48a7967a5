"""Every recorded conversation with Kratos, held with Limen: what it answers has to be equal, on both databases."""

from __future__ import annotations

import gc
import json
import shlex
import sys
from pathlib import Path

import pytest
from tests.conftest import new_dsn

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import harness  # noqa: E402
from compare import Deviations, compare  # noqa: E402

LIMEN = shlex.join([sys.executable, "-m", "limen.cli"])
TIMES = 4
SCENARIOS = {name: rest for name, *rest in harness.load(HERE / "scenarios")}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the player leaves sockets to the collector
@pytest.mark.parametrize("name", SCENARIOS)
def test_conversation(name: str, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVER_CMD", f"{LIMEN} serve -c {{config}} --dev --watch-courier")
    # The server migrates SQLite by itself, and PostgreSQL's database is migrated already.
    monkeypatch.delenv("MIGRATE_CMD", raising=False)
    monkeypatch.setenv("LIMEN_CONSOLE_ENABLED", "false")  # its port is the same for all that are played at a time
    monkeypatch.setenv("LOG_LEVEL", "error")
    recorded = json.loads((HERE / "golden" / f"{name}.json").read_text())
    # Conversations keep time, with sessions of a second and waits of two, and choose their ports before they use them: a
    # machine that is busy may get either wrong. What Limen answers otherwise, it answers otherwise each time.
    for _ in range(TIMES):
        if database == "postgres":
            monkeypatch.setenv("SCENARIO_NEW_DSN", shlex.join(["echo", new_dsn("postgres", tmp_path)]))
        played = harness.play(name, *SCENARIOS[name])
        gc.collect()  # here, where nobody minds the player's open sockets
        result = compare(recorded, played, Deviations(HERE / "deviations.json"))
        if not (result["broken"] or result["extra_steps"] or result["steps"]):
            break
    assert not result["broken"], result["broken"]
    assert not result["extra_steps"]
    assert result["steps"] == []
