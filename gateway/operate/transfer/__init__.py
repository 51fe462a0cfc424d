"""Reversibility: a federation as one file in open formats, and back: ``passerelle export`` and ``import``."""
