"""The log: its port, how topics are read, owned and mirrored, and three implementations."""
