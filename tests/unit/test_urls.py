"""Who may be sent where."""

from __future__ import annotations

import pytest

from limen.core.errors import ApiError
from limen.core.urls import allow_list, pick_return_to

ALLOWED = allow_list(["https://sites.example.org/ann/"], "https://id.example.org/auth/")


@pytest.mark.parametrize(
    "asked",
    [
        "https://sites.example.org/ann/",
        "https://sites.example.org/ann/a.b/..c?d=../e",
        "https://id.example.org/auth/ui/settings",
    ],
)
def test_what_lies_below_an_allowed_path_is_reached(asked: str) -> None:
    assert pick_return_to(asked, ALLOWED, "https://id.example.org/auth/ui/") == asked


@pytest.mark.parametrize("up", ["..", "%2e%2e", ".%2E", "./..", "a/../.."])
@pytest.mark.parametrize("below", ["https://sites.example.org/ann/", "https://id.example.org/auth/ui/", "/auth/ui/"])
def test_76_nothing_leads_up_and_out_of_an_allowed_path(below: str, up: str) -> None:
    for asked in (f"{below}{up}", f"{below}{up}/eve/"):
        with pytest.raises(ApiError):
            pick_return_to(asked, ALLOWED, "https://id.example.org/auth/ui/")
