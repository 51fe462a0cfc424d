"""The log: its port, three implementations, and readers, owners and mirrors of topics."""
