"""Every example of the README and the guide does what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import postgres
from tests.docs.markdown import Document, with_examples
from tests.docs.runner import Runner


@pytest.mark.slow
@pytest.mark.parametrize("document", with_examples(), ids=lambda d: d.name)
def test_examples(document: Document, tmp_path: Path) -> None:
    needs_postgres = any("postgres://" in block.text for block in document.blocks)
    runner = Runner(document, tmp_path, postgres().new(migrated=False) if needs_postgres else "")
    try:
        runner.run()
    finally:
        runner.close()
