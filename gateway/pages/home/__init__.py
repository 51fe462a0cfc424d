"""Accueil: live offers on a map, by region, sector and level; the twelve systems; what the federation is."""
