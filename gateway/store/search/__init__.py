"""The search index of the offer view, and possible duplicates."""
