"""Simulator of a regional platform: its feed, injected faults, and its copy of its territory."""
