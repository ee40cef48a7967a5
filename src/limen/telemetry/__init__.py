"""Traces for a collector (OpenTelemetry): requests, what they ask of the database, and what they call.

Off, as it is by default, none of this is in the way of a request: ports, database and client are wrapped only when a
collector is configured (`tracing.*`). No library is needed for it; what is sent is described in docs/decisions.
"""
