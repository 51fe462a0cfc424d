"""Refusals of all platforms for an operator: counted by rule, platform and day, and the newest with their reasons."""

from gateway.pages.refusals.view import pages

__all__ = ["pages"]
