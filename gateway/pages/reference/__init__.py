"""Référence: fields, rules and requirements, code lists, calendars, interfaces, the conformance kit."""

from gateway.pages.reference.view import pages

__all__ = ["pages"]
