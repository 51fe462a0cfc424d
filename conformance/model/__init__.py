"""The pure heart of the kit: cases, what becomes of them, and what they cover. No clock, no network."""
