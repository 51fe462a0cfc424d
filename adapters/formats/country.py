"""Find countries by ISO code, by name in several languages and in ``FR - France``; towns and regions abroad."""

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from adapters.formats.gazetteer import name_key
from adapters.formats.text import plain
from schemas.packaged import read_json

_UNSTATED = frozenset(
    ("", "n a", "na", "null", "none", "nc", "nr", "non renseigne", "non precise", "inconnu", "unknown", "undefined")
)
_PIECES = re.compile(r"[^\w\s'’-]+|\s-+\s?|[-_/](?=[A-Z]{2}$)")

_SUBDIVISION = re.compile(r"([A-Z]{2})-[A-Z0-9]{1,3}")
"""An ISO 3166-2 code of a region, which begins with that of its country."""


@dataclass(frozen=True, slots=True)
class Country:
    """A country by ISO 3166 code; ``department``: that of a French overseas territory with a code of its own."""

    code: str
    french: bool
    department: str | None = None


def is_unstated(text: str) -> bool:
    """Return whether a text means "no value": ``n/a``, ``-``, ``non renseigné``. ``NC`` is New Caledonia."""
    return text.strip() != "NC" and plain(text) in _UNSTATED


@lru_cache(maxsize=1024)
def read_country(text: str) -> Country | None:
    """Return the country of a value that should name one; None for other texts.

    In ``FR - France`` or ``France (Bretagne)``, the parts that name a country must agree.
    """
    names = _names()
    subdivision = _SUBDIVISION.fullmatch(text.strip())
    found = names.get(plain(subdivision[1] if subdivision else text))
    if found is not None:
        return found
    last = text.rpartition("/")[2] if "//" in text else text
    known = {one.code: one for piece in _PIECES.split(last) if (one := country_named(piece))}
    if len(known) == 2 and all(one.french for one in known.values()):
        known.pop("FR", None)  # an overseas territory is more precise
    return next(iter(known.values())) if len(known) == 1 else None


def country_named(text: str) -> Country | None:
    """Return the country of a part of an address: a name, or a code of two or three capitals."""
    key = plain(text)
    if len(key) <= 3 and not (len(key) > 1 and text.strip(" .()").isupper()):
        return None
    return None if key.isdigit() else _names().get(key)


def region_abroad(text: str) -> Country | None:
    """Return the country of a region abroad, or of a state of the United States or Canada as two capitals."""
    states = _states()
    code = states.get(text.strip(" .")) or _regions().get(plain(text))
    return Country(code, french=False) if code else None


def town_abroad(key: str) -> str | None:
    """Return the country code of a town abroad; ``key`` is the town's plain name without blanks."""
    return _towns().get(key)


@cache
def _loaded() -> Mapping[str, Any]:
    loaded: dict[str, Any] = read_json("places", "countries.json", package=__package__)
    return loaded


@cache
def _names() -> Mapping[str, Country]:
    french = _loaded()["french"]
    return {
        name: Country(code, french=code in french, department=french.get(code))
        for code, names in _loaded()["names"].items()
        for name in names
    }


@cache
def _regions() -> Mapping[str, str]:
    return {name: code for code, names in _loaded()["regions"].items() for name in names}


@cache
def _states() -> Mapping[str, str]:
    return {state: code for code, states in _loaded()["states"].items() for state in states}


@cache
def _towns() -> Mapping[str, str]:
    content = gzip.decompress(files(__package__).joinpath("places", "foreign_cities.txt.gz").read_bytes()).decode()
    lines = (line.split("\t") for line in content.splitlines() if not line.startswith("#"))
    return {name_key(name): code for code, *names in lines for name in names}
