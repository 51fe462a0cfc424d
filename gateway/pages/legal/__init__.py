"""Mentions légales, données personnelles, accessibilité."""

from gateway.pages.legal.view import Imprint, pages

__all__ = ["Imprint", "pages"]
