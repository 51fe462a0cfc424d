"""Notices: facts that are due to persons, and the one sender of their mails over all replicas."""
