"""Versions in every report, and where a gateway explains a requirement. The kit's version grows with every change of a
case or of its judgement.
"""

from collections.abc import Mapping

from schemas.rulebook import Language

KIT_VERSION = "1.5.0"
PROTOCOL_VERSION = "1"
"""The version of the protocol that the cases test."""

REFERENCE: Mapping[Language, str] = {"fr": "/reference", "en": "/en/reference"}
"""The page on which a gateway explains the fields, the rules and the requirements."""


def reference_address(gateway: str, language: Language, requirement: str = "") -> str:
    """The address of a gateway's reference page, or of one requirement in it."""
    return f"{gateway}{REFERENCE[language]}{'#' if requirement else ''}{requirement}"
