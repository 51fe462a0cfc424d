"""Web addresses: no personal data in them, since it could not be taken out without breaking them (OFR-034)."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import unquote

from schemas.personal import holds_email
from schemas.rulebook import Problem, problem
from schemas.territory import Territory


def find(offer: Mapping[str, Any], _on: date, _territory: Territory | None) -> list[Problem]:
    """E-mail addresses, plain or percent-encoded, in ``apply_url`` or the employer's website."""
    found: list[Problem] = []
    address = offer.get("apply_url", "")
    if ("@" in address or "%40" in address) and holds_email(unquote(address)):
        found.append(problem("email-in-url", pointer="/apply_url"))
    website = offer.get("employer", {}).get("website", "")
    if ("@" in website or "%40" in website) and holds_email(unquote(website)):
        found.append(problem("email-in-url", pointer="/employer/website"))
    return found
