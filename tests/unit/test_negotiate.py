"""What a caller wants to read, as Kratos understands it."""

from __future__ import annotations

import pytest

from limen.http import negotiate

CHROME = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)


@pytest.mark.parametrize(
    ("accept", "is_json"),
    [
        ("application/json", True),
        ("application/json, text/plain, */*", True),
        ("application/json;q=0.9, text/html;q=0.8", True),
        ("application/json;q=0.5;level=1, text/html", True),
        ("text/html;q=0, application/json", True),
        (CHROME, False),
        ("", False),
        ("*/*", False),
        ("application/*", True),
        ("application/json;q=0", False),
        ("text/html, application/json", False),
        ("APPLICATION/JSON", False),
        ("application/json; charset=utf-8", False),
        ("text/html;q=2, application/json", False),
        ("application/json;q=", False),
        ("garbage", False),
    ],
)
def test_what_is_asked_for(accept: str, is_json: bool) -> None:
    assert negotiate.accepts_json(accept) is is_json
