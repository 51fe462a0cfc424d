"""The process and its machine: event loop, files, locks, threads, processor time."""
