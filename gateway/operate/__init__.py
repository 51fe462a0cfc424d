"""What an operator reads: status, and the audit of the log's promises."""
