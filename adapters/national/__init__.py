"""The national site: its partner API as it is, and what stands between it and the shared offer."""
