"""Web addresses and ids: personal data in them is refused, since redaction would break them (OFR-034)."""

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from schemas.folding import fold
from schemas.personal import holds_email, holds_phone
from schemas.rulebook import Problem, problem
from schemas.suspicion import is_suspect
from schemas.territory import Territory

_CALL = re.compile(
    r"(?<![^\W_])(?:(?:tel|sms|smsto|mms|callto|facetime(?:-audio)?|whatsapp|viber|skype|sips?):[/\s]{0,2}[+(]?[\d%]"
    r"|whatsapp:[/\s]{0,2}send|skype:[\w.-]{1,60}\?(?:call|chat))",
    re.IGNORECASE,
)
_FOLDS = 3
_MAIL = re.compile(r"(?<![^\W_])mailto:", re.IGNORECASE)
_IDS = ("id", "source_id", "national_remote_id")


def find(offer: Mapping[str, Any], _on: date, _territory: Territory | None) -> list[Problem]:
    """E-mail addresses, links that call or write, and phone numbers, plain or percent-encoded, in ``apply_url`` or the
    employer's website.
    """
    found: list[Problem] = []
    address = offer.get("apply_url", "")
    if is_suspect(address) and (code := judge(address)):
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
        if text is not None and is_suspect(text):
            local = text.partition(":")[2] or text
            if holds_email(local) or holds_phone(local):
                found.append(problem("contact-in-id", pointer=f"/{name}"))
    return found


@lru_cache(maxsize=4096)
def _remembered(address: str) -> str | None:
    """``judge`` of a website, cached: many offers share it."""
    return judge(address) if is_suspect(address) else None


def judge(address: str) -> str | None:
    """The code of the problem with an address; None if there is none."""
    plain = _decode(address)
    blank = _decode(address.replace("+", " "))  # a plus sign is a blank in a query
    if holds_email(plain) or holds_email(blank) or _MAIL.search(plain):
        return "email-in-url"
    if _CALL.search(plain):
        return "phone-link-in-url"
    return "phone-in-url" if holds_phone(plain) or holds_phone(blank) else None


def _decode(address: str) -> str:
    """The address as it is searched, decoded several times: one encoding may hide another."""
    for _ in range(_FOLDS):
        plain = fold(address).text
        if plain == address:
            break
        address = plain
    return address
