"""Operation: the status of the federation, and the audit of the log's invariants."""
