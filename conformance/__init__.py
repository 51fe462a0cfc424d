"""Conformance kit: cases as data, roles that drive a partner's system through them, and reports."""
