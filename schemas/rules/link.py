"""Web addresses and ids: no personal data in them, since it could not be taken out without breaking them (OFR-034)."""

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from schemas.folding import fold
from schemas.personal import holds_email, holds_phone
from schemas.rulebook import Problem, problem
from schemas.territory import Territory

_NATIONAL = re.compile(r"0(?<!\d0)[\W_]{0,5}[1-9](?:[\W_]{0,5}\d){8}")
_INTERNATIONAL = re.compile(r"33\d{9}")
_CALL = re.compile(r"(?<![^\W_])(?:tel|sms|smsto|callto):[/\s]{0,2}[+(]?[\d%]", re.IGNORECASE)
_MAIL = re.compile(r"(?<![^\W_])mailto:", re.IGNORECASE)
_IDS = ("id", "source_id", "national_remote_id")


def find(offer: Mapping[str, Any], _on: date, _territory: Territory | None) -> list[Problem]:
    """E-mail addresses, links that call or write, and phone numbers, plain or percent-encoded, in ``apply_url`` or the
    employer's website.
    """
    found: list[Problem] = []
    address = offer.get("apply_url", "")
    if _is_suspect(address) and (code := _judge(address)):
        found.append(problem(code, pointer="/apply_url"))
    website = offer.get("employer", {}).get("website")
    if website is not None and (code := _remembered(website)):
        found.append(problem(code, pointer="/employer/website"))
    return found


def find_in_ids(offer: Mapping[str, Any], _on: date, _territory: Territory | None) -> list[Problem]:
    """Phone numbers and disguised e-mail addresses in ids."""
    found: list[Problem] = []
    for name in _IDS:
        text = offer.get(name)
        if text is not None and _is_suspect(text):
            local = text.partition(":")[2] or text
            if holds_email(local) or holds_phone(local):
                found.append(problem("contact-in-id", pointer=f"/{name}"))
    return found


def _is_suspect(text: str) -> bool:
    """Whether an address or an id can hold anything, which is rare."""
    return (
        _NATIONAL.search(text) is not None
        or _INTERNATIONAL.search(text) is not None
        or "@" in text
        or "%" in text
        or "(" in text
        or "+" in text
        or "robas" in text
        or text.count(":") > 1
    )


@lru_cache(maxsize=4096)
def _remembered(address: str) -> str | None:
    """What is wrong with a website, which many offers share."""
    return _judge(address) if _is_suspect(address) else None


def _judge(address: str) -> str | None:
    """The code of what is wrong with an address."""
    plain = fold(address).text
    # A plus sign is a blank in a query.
    if holds_email(address) or holds_email(address.replace("+", " ")) or _MAIL.search(plain):
        return "email-in-url"
    if _CALL.search(plain):
        return "phone-link-in-url"
    return "phone-in-url" if holds_phone(address) else None
