"""Which network a wrong guess is counted for."""

from __future__ import annotations

import pytest

from limen.flow.guesses import network


@pytest.mark.parametrize(
    ("ip", "counted"),
    [
        ("93.184.216.34", "from:93.184.216.34"),
        ("93.184.216.34:51234", "from:93.184.216.34"),
        ("2a00:1450:4001:81b::200e", "from:2a00:1450:4001:81b::"),
        ("2a00:1450:4001:81b:1:2:3:4", "from:2a00:1450:4001:81b::"),
        ("2a00:1450:4001:81b:1:2:3:4:51234", "from:2a00:1450:4001:81b::"),
        ("10.1.2.3:51234", ""),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("fd00::1", ""),
        ("::ffff:10.0.0.1", ""),
        ("somewhere", ""),
        ("", ""),
    ],
)
def test_a_public_address_is_counted_with_its_network(ip: str, counted: str) -> None:
    assert network(ip) == counted
