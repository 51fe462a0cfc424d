"""Possible duplicates: the keys by which two offers may be the same one. Pure; keys are 64-bit integers.

Two offers may be the same when they have the same canonical apply address, or when the same establishment (by SIRET; by
a similar name where one of the two has none) offers the same levels in the same weeks at the same postal code.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

_WORDS = re.compile(r"[a-z0-9]+")
_LEGAL_FORMS = frozenset(
    {"sa", "sas", "sasu", "sarl", "eurl", "sci", "scop", "snc", "ei", "eirl", "gie", "ets", "etablissements", "societe"}
)
_PLAIN_URL = re.compile(r"https://(?:www\.)?([A-Za-z0-9.-]+)((?:/[^/?#]+)*)/?")
_HALF, _MASK = 1 << 63, (1 << 64) - 1
_SPREAD = 0x9E3779B97F4A7C15
"""Odd, so that distinct 64-bit numbers stay distinct, and random enough to spread 14 digits over them."""
_TRACKING = ("utm_", "mtm_", "pk_")


class DuplicateKeys(NamedTuple):
    """The keys of one offer; None where it has nothing to compare."""

    link: int
    site: int | None
    firm: int | None


def duplicate_keys_of(offer: Mapping[str, Any]) -> DuplicateKeys:
    """The keys of an offer as an outsider sees it: a masked employer has neither site nor firm."""
    employer = offer["employer"]
    stay = _postal_code(offer["location"]["postal_code"]) ^ _period((*offer["levels"],), (*offer["weeks"],))
    siret, name = employer.get("siret"), employer.get("name")
    firm = _firm(name) if name else None
    return DuplicateKeys(
        link=_key(canonical_url(offer["apply_url"])),
        site=(stay ^ int(siret) * _SPREAD & _MASK) - _HALF if siret else None,
        firm=(stay ^ firm) - _HALF if firm is not None else None,
    )


def canonical_url(url: str) -> str:
    """The address without the parts that do not change its target: case of the host, ``www.``, port 443, the order of
    the query, tracking parameters, fragment, a last slash. An address that cannot be parsed is its own form.
    """
    plain = _PLAIN_URL.fullmatch(url)  # nearly all are plain; urlsplit takes ten times as long
    if plain is not None:
        return plain[1].lower() + plain[2]
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return url
    try:
        port = parts.port
    except ValueError:
        port = None
    authority = host if port in {None, 443} else f"{host}:{port}"
    path = parts.path.rstrip("/")
    if not parts.query:
        return authority + path
    query = sorted(
        (key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if not key.startswith(_TRACKING)
    )
    return f"{authority}{path}?{urlencode(query)}" if query else authority + path


@lru_cache(maxsize=16_384)
def _postal_code(code: str) -> int:
    """64 bits for a postal code. There are 6,300 codes in use."""
    return _key(code) + _HALF


@lru_cache(maxsize=4096)
def _period(levels: tuple[str, ...], weeks: tuple[str, ...]) -> int:
    """64 bits for levels and weeks. Together with postal codes there would be too many combinations to cache."""
    return _key(f"{sorted(levels)} {sorted(weeks)}") + _HALF


@lru_cache(maxsize=4096)
def _firm(name: str) -> int | None:
    """64 bits for an employer's name; None where it has no words."""
    words = similar_name(name)
    return _key(words) + _HALF if words else None


def similar_name(name: str) -> str:
    """The words of an employer's name in one order, without accents, case, punctuation and legal form."""
    plain = (name.lower() if name.isascii() else _without_accents(name)).replace(".", "")
    words = {*plain.split()} if plain.replace(" ", "").isalnum() else {*_WORDS.findall(plain)}
    return " ".join(sorted(words - _LEGAL_FORMS) or sorted(words))


def _without_accents(name: str) -> str:
    return unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()


def _key(text: str) -> int:
    """64 bits, signed as SQLite keeps them."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True)
