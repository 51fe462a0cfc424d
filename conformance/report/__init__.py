"""Reports: one document of a run, and every other form written from it."""
