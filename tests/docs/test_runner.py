"""The runner of the examples notices what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.markdown import Document, read
from tests.docs.runner import Failed, Runner

FENCE = "```"


def document(folder: Path, *blocks: tuple[str, str]) -> Document:
    page = folder / "page.md"
    page.write_text("# Page\n\n" + "\n\n".join(f"{FENCE}{info}\n{text}\n{FENCE}" for info, text in blocks) + "\n")
    return Document(Path(__file__).parents[2] / "docs/page.md", read(page).blocks, "")


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ([("bash fails", "true")], "it ended with 0"),
        ([("bash fails", "echo one; echo two; false"), ("text output", "one\nthree")], "it said:\none\ntwo"),
        ([("bash fails", "echo one; echo two; false"), ("text output", "two")], "it said:\none\ntwo"),
        ([("bash fails", "echo one; false"), ("text output", "one\ntwo")], "it said:\none"),
        ([("yaml", "session: {lifspan: 1h}")], "There is no key `lifspan` here."),
        ([("yaml limen.yml", "dsn: memory")], "is missing"),
        ([("cobol", "STOP RUN.")], "does not say what to do with a block of `cobol`"),
        ([("bash serve", "rm -r /nowhere")], "such a block starts `limen serve`"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, blocks: list[tuple[str, str]], said: str) -> None:
    runner = Runner(document(tmp_path, *blocks), tmp_path)
    with pytest.raises(Failed) as failed:
        runner.run()
    assert said in str(failed.value)
    assert "docs/page.md:" in str(failed.value)


def test_dots_stand_for_anything(tmp_path: Path) -> None:
    echo = ("bash fails", "printf 'one 17\\ntwo\\nthree\\nfour\\n'; false")
    for expected in ("one …\ntwo\nthree\nfour", "…\nfour", "one 17\n…", "one …\n…\nfour"):
        Runner(document(tmp_path, echo, ("text output", expected)), _fresh(tmp_path)).run()


def _fresh(folder: Path) -> Path:
    made = folder / str(len(list(folder.iterdir())))
    made.mkdir()
    return made
