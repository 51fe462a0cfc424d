"""Profiles: one document per platform with its name, the transport of its offers and their mapping. Data, no code."""
