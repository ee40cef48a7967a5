"""Why something was refused, for whoever runs the server: which check, what it expected, what came, and the way out.

Never a secret: names of cookies, hosts, times and ids may stand here; what is in a cookie, a field or a message may not.
"""

from __future__ import annotations

from msgspec import Struct


class Cause(Struct, frozen=True, omit_defaults=True):
    """One check that was not passed, or that probably made another one fail."""

    check: str  # a short name to search for, as `csrf_cookie`
    expected: str
    found: str
    fix: str = ""

    def __str__(self) -> str:
        fix = f" To do: {self.fix}" if self.fix else ""
        return f"[{self.check}] expected {self.expected}; found {self.found}.{fix}"
