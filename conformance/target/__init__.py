"""The target: the partner's one file, the way to the partner's system, and what passed over the wire."""
