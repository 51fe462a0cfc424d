"""Communes by postcode, and INSEE codes that exist. Read on first use (715 kB)."""

import gzip
from dataclasses import dataclass
from functools import cache, lru_cache

from schemas.french import plain_words
from schemas.packaged import read_bytes


@dataclass(frozen=True, slots=True)
class Commune:
    """INSEE code and name."""

    code: str
    name: str

    @property
    def department(self) -> str:
        """INSEE department code: three characters overseas."""
        return department_of(self.code)


def department_of(code: str) -> str:
    """The department's part of an INSEE commune code."""
    return code[:3] if code.startswith(("97", "98")) else code[:2]


@cache
def _text() -> str:
    return gzip.decompress(read_bytes("codes", "communes.txt.gz")).decode()


@cache
def _by_postcode() -> dict[str, str]:
    """Postcode to the rest of its line; split into communes on demand, which saves memory."""
    lines = (line for line in _text().splitlines() if not line.startswith("#"))
    return {line[:5]: line[6:] for line in lines}


def communes_of(postcode: str) -> tuple[Commune, ...]:
    """The communes that a postcode serves; empty for unknown ones, those of CEDEX included."""
    line = _by_postcode().get(postcode)
    if line is None:
        return ()
    return tuple(Commune(*field.split(" ", 1)) for field in line.split("\t"))


def one_department(postcode: str, name: str) -> str | None:
    """The only department of a postcode that serves a commune of exactly this name; None for any other name, and for a
    postcode of several departments. Takes a tenth of the time of splitting the line and comparing all names.
    """
    line = _by_postcode().get(postcode)
    if line is None:
        return None
    fields = line.split("\t")
    departments = {department_of(field) for field in fields}
    return departments.pop() if len(departments) == 1 and name in {field[6:] for field in fields} else None


def commune_at(postcode: str, city: str, insee: object = None) -> Commune | None:
    """The commune of a location among those that its postcode serves: by its INSEE code, without one by its name."""
    for commune in communes_of(postcode):
        if commune.code == insee or (insee is None and plain_name(commune.name) == plain_name(city)):
            return commune
    return None


def serves(postcode: str, name: str) -> bool:
    """Whether a postcode serves a commune of that name, ignoring hyphens and case."""
    line = _by_postcode().get(postcode)
    if line is None or not name:
        return False
    if name in line and any(field[6:] == name for field in line.split("\t")):
        return True
    written = name.upper().replace("-", " ")
    capitals = line.upper().replace("-", " ")
    return written in capitals and any(field[6:] == written for field in capitals.split("\t"))


@lru_cache(maxsize=4096)
def exists(code: str) -> bool:
    """Whether an INSEE commune code is in the list."""
    return f"\t{code} " in _text()


@cache
def _former() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in gzip.decompress(read_bytes("codes", "former-communes.txt.gz")).decode().splitlines():
        if not line.startswith("#"):
            code, name = line.split(" ", 1)
            found[code] = (*found.get(code, ()), name)
    return found


def former_names(code: str) -> tuple[str, ...]:
    """The names of the former communes within the commune of that INSEE code, without its own."""
    return _former().get(code, ())


def known_postcodes() -> tuple[str, ...]:
    """Every postcode of the list, sorted."""
    return tuple(_by_postcode())


@lru_cache(maxsize=8192)
def plain_name(name: str) -> str:
    """A commune's name for comparison: no accents, case, hyphens, CEDEX or district number; *saint* spelt out."""
    words = [_SPELT.get(word, word) for word in plain_words(name).split()]
    for index, word in enumerate(words):
        if index and (word in _ENDS or word[0].isdigit()):
            words = words[:index]
            break
    return " ".join(words)


_SPELT = {"st": "saint", "ste": "sainte", "s": "sur"}
_ENDS = {"cedex", "arrondissement"}
