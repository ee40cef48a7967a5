"""Sessions: issued, checked, extended, revoked."""
