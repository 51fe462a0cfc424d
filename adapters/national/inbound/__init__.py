"""Offers of the national site, imported into the federation."""
