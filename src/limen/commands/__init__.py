"""Commands that talk to a running server, or to nobody: one file each; `cli.py` names them all."""
