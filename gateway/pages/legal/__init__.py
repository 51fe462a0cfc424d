"""Mentions légales, données personnelles, accessibilité."""
