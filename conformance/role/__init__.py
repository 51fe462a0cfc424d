"""Roles: each drives one kind of partner's system through the cases, and turns each case into a result."""
