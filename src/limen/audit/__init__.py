"""What happened, on the record: written with what it records, append-only, each entry sealed to the one before it."""
