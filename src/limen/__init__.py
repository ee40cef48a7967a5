"""Limen, an identity server that speaks the Ory Kratos API. Where to start reading: docs/guide/house.md."""

__version__ = "0.1.0"
