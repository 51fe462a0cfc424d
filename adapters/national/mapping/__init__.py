"""Mapping of an offer to the bodies of the national site, and its deliverability there."""
