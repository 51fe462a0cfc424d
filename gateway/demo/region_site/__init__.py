"""A regional platform as the gateway meets it: its feed, its faults, and what it holds of its territory."""
