"""The versions in every receipt and report."""

SCHEMA_VERSION = "1.0"
"""Of the JSON Schemas: the second number grows with additions, the first with breaks."""

RULES_VERSION = "2026.11"
"""Of the rule set, its code lists and calendars: year and month of the last change."""
