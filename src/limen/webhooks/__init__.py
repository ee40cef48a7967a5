"""Telling programs elsewhere what happened: subscriptions, and an outbox that is filled from the audit log."""
