"""Refusals of all platforms for an operator: counted by rule, platform and day, and the newest with their reasons."""
