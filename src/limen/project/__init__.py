"""Tenants: a project is a configuration, compiled once, and everything that belongs to it."""
