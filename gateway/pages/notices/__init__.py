"""Notices: the contacts of a platform, what comes to each, and a link that a person asks for."""
