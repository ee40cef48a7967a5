"""Links lead somewhere: between the documents, to their headings, and to files of the project."""

from __future__ import annotations

import pytest

from tests.docs.markdown import ROOT, Document, documents, read

DOCUMENTS = documents()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_links(document: Document) -> None:
    broken = []
    for link in document.links():
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (document.path.parent / path).resolve() if path else document.path
        if not target.is_relative_to(ROOT) or not target.exists():
            broken.append(f"{link}: there is no such file")
        elif anchor and anchor not in read(target).anchors():
            broken.append(f"{link}: there is no such heading")
    assert broken == []


def test_every_page_of_the_guide_is_listed() -> None:
    for folder in ("guide", "decisions"):
        index = read(ROOT / "docs" / folder / "README.md")
        linked = {link.partition("#")[0] for link in index.links()}
        assert {page.name for page in index.path.parent.glob("*.md")} - {"README.md"} <= linked


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if d.name.startswith("docs/guide/")], ids=lambda d: d.name)
def test_a_page_begins_with_what_its_reader_will_have(document: Document) -> None:
    first = document.prose.split("\n\n")[1]
    assert first.startswith("At the end of this page") or document.path.name == "README.md"


def test_pictures_are_small() -> None:
    pictures = [path for path in (ROOT / "docs/assets").iterdir() if path.suffix == ".png"]
    assert pictures
    assert max(path.stat().st_size for path in pictures) < 80_000
