"""The kit's pure model: cases, results, coverage. No clock, no network."""
