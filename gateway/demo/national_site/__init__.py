"""The national site, simulated."""
