"""The HTTP API, version 1: authenticate, call, respond. Nothing is decided here."""
