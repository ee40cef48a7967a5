"""Attacks on systems of this kind that worked somewhere once; README.md lists them and says which test holds them off."""
