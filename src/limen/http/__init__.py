"""Surfaces: a surface parses, proves the caller and renders; it decides nothing."""
