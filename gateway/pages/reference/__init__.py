"""Référence: fields, rules and requirements, code lists, calendars, interfaces, the conformance kit."""
