"""Why it failed: a short trace of each refused step of a flow, kept for a while for who runs the server."""
