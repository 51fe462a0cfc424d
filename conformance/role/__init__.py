"""Roles: each drives one kind of partner system through the cases and returns findings."""
