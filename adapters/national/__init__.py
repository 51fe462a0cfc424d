"""The national site: client of its partner API, mapping from the shared offer, delivery and import."""
