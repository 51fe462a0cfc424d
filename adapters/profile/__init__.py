"""Profiles: one document per platform that says who it is, how its offers come and how they are read. Data, no code."""
