"""Operating-system primitives: event loop, files, locks, threads, processor time."""
