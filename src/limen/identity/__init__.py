"""People: their traits, addresses and credentials."""
