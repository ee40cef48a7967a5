"""Words and tools: what the rest is made of. Knows no table and no request."""
