"""Reports: one JSON document per run, and every other format written from it."""
