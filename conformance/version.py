"""Versions in every report. The kit's version grows with every change of a case or of its judgement."""

KIT_VERSION = "1.2.0"
PROTOCOL_VERSION = "1"
"""The version of the protocol that the cases test."""
