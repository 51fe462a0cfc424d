"""Translators between a platform's own format or API and the shared offer: formats, transports, profiles, platforms."""
