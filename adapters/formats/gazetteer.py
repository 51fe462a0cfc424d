"""Gazetteer: communes by name, departments of an area, countries, regions and towns abroad."""

import gzip
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import schemas
from adapters.formats.text import plain
from schemas.communes import Commune, communes_of, department_of, former_names, known_postcodes
from schemas.french import unaccented
from schemas.packaged import read_json
from schemas.territory import territories

Areas = frozenset[str]
"""Departments, by their INSEE codes."""

_SPELT = {
    "st": "saint", "ste": "sainte", "sts": "saints", "stes": "saintes", "s": "sur", "ss": "sous", "nd": "notredame",
    "mt": "mont", "mts": "monts", "lez": "les", "chtx": "chateaux", "chx": "chateaux",
}  # fmt: skip
_ARTICLES = frozenset(("le", "la", "les", "l"))
_SLASH = re.compile(r"(?<![A-Za-z])(s)\s?/\s?(?:(s)(?![A-Za-z]))?|/", re.IGNORECASE)
_AREA_WORD = re.compile(
    r"(?:(?:departement|dept|dep|dpt|region|academie)(?: (?:de la|de l|des|du|de|d))?|de la|de l|des|du|d|les?|la|l) "
)
_WORD = re.compile("[a-z0-9]+")
_BETWEEN = str.maketrans(dict.fromkeys("’‘`´ʼ–—‑\u00a0\u202f", " "))
_ARRONDISSEMENT = re.compile(r" [0-9]+er? Arrondissement$")
_BIG = {"75056": "751", "69123": "6938", "13055": "132"}
"""Communes with arrondissements, and the prefix of the INSEE codes of these."""

_OTHER_REGIONS = {
    "idf": "11", "region parisienne": "11", "paca": "93", "region sud": "93", "aura": "84", "ara": "84",
    "hdf": "32", "bfc": "27", "bzh": "53", "pdl": "52", "cvl": "24", "corse": "94", "reunion": "04",
}  # fmt: skip
_OTHER_AREAS = {
    "alsace": "67 68", "lorraine": "54 55 57 88", "champagne ardenne": "08 10 51 52", "picardie": "02 60 80",
    "nord pas de calais": "59 62", "basse normandie": "14 50 61", "haute normandie": "27 76",
    "bourgogne": "21 58 71 89", "franche comte": "25 39 70 90", "limousin": "19 23 87",
    "poitou charentes": "16 17 79 86", "aquitaine": "24 33 40 47 64", "midi pyrenees": "09 12 31 32 46 65 81 82",
    "languedoc roussillon": "11 30 34 48 66", "auvergne": "03 15 43 63", "rhone alpes": "01 07 26 38 42 69 73 74",
    "corse": "2A 2B", "20": "2A 2B", "cote d armor": "22", "cotes du nord": "22", "loire inferieure": "44",
    "seine inferieure": "76", "alpes du nord": "73 74", "petite couronne": "92 93 94", "grande couronne": "77 78 91 95",
    "saint barthelemy": "977", "saint martin": "978", "guadeloupe": "971", "metropole de lyon": "69",
    "grand lyon": "69", "pays basque": "64", "cote d azur": "06 83", "savoies": "73 74", "drome ardeche": "07 26",
}  # fmt: skip
_UNSTATED = frozenset(
    ("", "n a", "na", "null", "none", "nc", "nr", "non renseigne", "non precise", "inconnu", "unknown", "undefined")
)
_PIECES = re.compile(r"[^\w\s'’-]+|\s-+\s?|[-_/](?=[A-Z]{2}$)")
_SUBDIVISION = re.compile(r"([A-Z]{2})-[A-Z0-9]{1,3}")
"""An ISO 3166-2 code of a region, which begins with that of its country."""


@dataclass(frozen=True, slots=True)
class KnownCommune(Commune):
    """A commune with its postcodes, the lowest first."""

    postcodes: tuple[str, ...]


@lru_cache(maxsize=16384)
def name_key(name: str) -> str:
    """A town's name for comparison: without accents, case, blanks and punctuation, abbreviations spelt out."""
    return "".join(_words(name))


@lru_cache(maxsize=8192)
def loose_key(name: str) -> str:
    """``name_key`` without an article at the beginning or end, in brackets or not: ``Havre (Le)``."""
    words = _words(name)
    while len(words) > 1 and words[0] in _ARTICLES:
        words = words[1:]
    while len(words) > 1 and words[-1] in _ARTICLES:
        words = words[:-1]
    return "".join(words)


def _words(name: str) -> list[str]:
    text = name.translate(_BETWEEN)
    if "/" in text:
        text = _SLASH.sub(lambda match: " sous " if match[2] else " sur ", text)
    letters = _WORD.findall(unaccented(text).encode("ascii", "ignore").decode())
    if letters[:2] == ["n", "d"]:
        letters = ["nd", *letters[2:]]
    return [_SPELT.get(word, word) for word in letters]


def _without_article(words: list[str]) -> list[str]:
    return words[1:] if len(words) > 1 and words[0] in _ARTICLES else words


def same_name(written: str, commune: str) -> bool:
    """Whether the names are the same but for an article."""
    return name_key(written) == name_key(commune) or loose_key(written) == loose_key(commune)


def part_of_name(written: str, commune: str) -> bool:
    """Whether one of the names begins with the words of the other: ``La Baule``, ``Rennes Centre``."""
    mine, other = _without_article(_words(written)), _without_article(_words(commune))
    shorter = min(len(mine), len(other))
    return shorter > 0 and mine[:shorter] == other[:shorter] and len("".join(mine[:shorter])) >= 4


def is_commune(written: str, commune: Commune) -> bool:
    """Whether a written name is that of the commune, or of a former commune that it absorbed."""
    return same_name(written, town_of(commune)) or any(
        same_name(written, other) for other in former_names(commune.code)
    )


def town_of(commune: Commune) -> str:
    """The commune's name; for an arrondissement, that of its town."""
    return _ARRONDISSEMENT.sub("", commune.name)


def by_code(code: str) -> KnownCommune | None:
    """The commune of an INSEE code, arrondissements included."""
    return _index()[0].get(code)


def districts_of(code: str) -> str | None:
    """The prefix of the INSEE codes of a commune's arrondissements, None if it has none."""
    return _BIG.get(code)


def named(name: str) -> tuple[KnownCommune, ...]:
    """The communes of a name: an exact match; else without articles; else those that absorbed a match."""
    codes, names, loose, former, _ = _index()
    key = name_key(name)
    found = names.get(key) or loose.get(loose_key(name)) or former.get(key) or former.get(loose_key(name)) or ()
    return tuple(codes[code] for code in found)


def beginning_with(name: str, areas: Areas) -> tuple[KnownCommune, ...]:
    """The communes of the departments whose name shares its first words; none for a short or common word."""
    codes, *_, first = _index()
    words = _without_article(_words(name))
    bearers = first.get(words[0], ()) if words else ()
    known = (codes[code] for code in bearers if department_of(code) in areas)
    return tuple(one for one in known if part_of_name(name, one.name))


_Codes = dict[str, list[str]]


@cache
def _index() -> tuple[dict[str, KnownCommune], _Codes, _Codes, _Codes, _Codes]:
    """Communes by INSEE code; INSEE codes by name, by name without article, by former commune's name, by first word."""
    postcodes: dict[Commune, list[str]] = {}
    for postcode in known_postcodes():
        for commune in communes_of(postcode):
            postcodes.setdefault(commune, []).append(postcode)
    codes: dict[str, KnownCommune] = {}
    names: dict[str, list[str]] = {}
    loose: dict[str, list[str]] = {}
    former: dict[str, list[str]] = {}
    first: dict[str, list[str]] = {}
    for commune, own in postcodes.items():
        codes[commune.code] = KnownCommune(commune.code, commune.name, tuple(own))
        if not commune.name.endswith(" Arrondissement"):
            words = _words(commune.name)
            names.setdefault("".join(words), []).append(commune.code)
            shortened = _without_article(words)
            first.setdefault(shortened[0], []).append(commune.code)
            loose.setdefault("".join(shortened), []).append(commune.code)
            for other in former_names(commune.code):
                former.setdefault("".join(_words(other)), []).append(commune.code)
    return codes, names, loose, former, first


def area_of(text: str) -> Areas:
    """The departments of a department's or region's name or code; none for other texts."""
    key = plain(text)
    if key.isdigit():
        key = key[-2:] if len(key) == 3 and key[0] == "0" else key.zfill(2)
    elif key.startswith("fr ") and len(key) <= 6:
        key = key[3:]
    found = _areas().get(key)
    if found is None:
        word = _AREA_WORD.match(key)
        short = key[word.end() :] if word else key
        found = _areas().get(short) if short != key else None
    return found or frozenset()


@cache
def _areas() -> Mapping[str, Areas]:
    found: dict[str, Areas] = {}
    by_region: dict[str, set[str]] = {}
    for code, territory in territories().items():
        by_region.setdefault(territory.region, set()).add(code)
    for item in schemas.reference("regions")["items"]:
        found[plain(item["name"])] = frozenset(by_region.get(item["code"], ()))
    for name, region in _OTHER_REGIONS.items():
        found[name] = frozenset(by_region.get(region, ()))
    for name, codes in _OTHER_AREAS.items():
        found[name] = frozenset(codes.split())
    for item in schemas.reference("departments")["items"]:
        found[plain(item["name"])] = found[plain(item["code"])] = frozenset((item["code"],))
    return found


@dataclass(frozen=True, slots=True)
class Country:
    """A country by ISO 3166 code; ``department``: that of a French overseas territory with a code of its own."""

    code: str
    french: bool
    department: str | None = None


def is_unstated(text: str) -> bool:
    """Whether a text means "no value": ``n/a``, ``-``, ``non renseigné``. ``NC`` is New Caledonia."""
    return text.strip() != "NC" and plain(text) in _UNSTATED


@lru_cache(maxsize=1024)
def read_country(text: str) -> Country | None:
    """The country of a value that should name one; None for other texts.

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
    """The country of a part of an address: a name, or a code of two or three capitals."""
    key = plain(text)
    if len(key) <= 3 and not (len(key) > 1 and text.strip(" .()").isupper()):
        return None
    return None if key.isdigit() else _names().get(key)


def region_abroad(text: str) -> Country | None:
    """The country of a region abroad, or of a state of the United States or Canada as two capitals."""
    code = _codes("states").get(text.strip(" .")) or _codes("regions").get(plain(text))
    return Country(code, french=False) if code else None


def town_abroad(key: str, *, whole: bool = True) -> str | None:
    """The country code of a town abroad; ``key`` is the town's plain name without blanks. Without ``whole`` the key may
    be the beginning of a longer name, and only large and near towns count.
    """
    large, others = _towns()
    return large.get(key) or (others.get(key) if whole else None)


@cache
def _loaded() -> Any:
    return read_json("places", "countries.json", package=__package__)


@cache
def _names() -> Mapping[str, Country]:
    french = _loaded()["french"]
    return {
        name: Country(code, french=code in french, department=french.get(code))
        for code, names in _loaded()["names"].items()
        for name in names
    }


@cache
def _codes(kind: str) -> Mapping[str, str]:
    """The country code of each of the regions or states."""
    return {name: code for code, names in _loaded()[kind].items() for name in names}


@cache
def _towns() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The country of each town abroad: of those whose name may begin a longer one, and of the others."""
    content = gzip.decompress(files(__package__).joinpath("places", "foreign_cities.txt.gz").read_bytes()).decode()
    large, _, others = content.partition("\n# whole:")
    return (
        {name_key(name): code for code, *names in _lines(large) for name in names},
        {key: code for code, *keys in _lines(f"#{others}") for key in keys},
    )


def _lines(content: str) -> Iterator[list[str]]:
    return (line.split("\t") for line in content.splitlines() if not line.startswith("#"))
