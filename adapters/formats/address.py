"""Split the text of an address into postcodes, names, departments and countries. Decides nothing."""

import re
from dataclasses import dataclass, field, replace
from itertools import repeat

from adapters.formats.gazetteer import Areas, Country, area_of, country_named, named, region_abroad
from adapters.formats.text import one_line, plain

_PHONE = re.compile(
    r"(?:\b(?i:t[ée]l(?:[ée]phone)?|fax|portable|mobile)\b[ .:]{0,3})?"
    r"(?<![0-9])(?:\+ ?33|0033|0)[ .()0-]{0,5}[1-9](?:[ ./-]{0,2}[0-9]{2}){4}(?![0-9])"
)
_SIRET = re.compile(
    r"(?:(?i:n[°o] ?)?\b(?i:siren|siret|rcs)\b[ .:]{0,3}(?i:n[°o] ?)?)?"
    r"(?<![0-9])[0-9]{3}[ .\u00a0]?[0-9]{3}[ .\u00a0]?[0-9]{3}(?:[ .\u00a0]?[0-9]{5})?(?![0-9])"
)
_BOX = re.compile(
    r"\b(?:b\.? ?p\.?|c\.? ?s\.?|tsa|t\.s\.a\.|cidex|bo[iî]te postale) ?(?:n[°o]\.? ?)?"
    r"[0-9]{1,2}(?: ?[0-9]{1,3})?(?![0-9])",
    re.IGNORECASE,
)
_WORDED = re.compile(
    r"\b(?:code postal|code insee|codes? postaux|c\.?p\.?|insee|postal code|ville|commune|localit[ée]|lieu|adresse"
    r"|site)(?: de travail| du stage| de stage| et)? ?[:=] ?",
    re.IGNORECASE,
)
_GLUED = re.compile(r"(?<![0-9A-Za-z])([0-9]{5})(?=[A-Za-zÀ-ÿ]{3})|(?<=[A-Za-zÀ-ÿ]{3})(?=[0-9]{5}(?![0-9A-Za-z]))")
_FRENCH_PREFIX = re.compile(r"(?<![A-Za-z0-9])(?:F|FR|FRA)[ -]{0,3}(?=[0-9]{2} ?[0-9]{3}(?![0-9]))")
_PREFIXED = re.compile(
    r"(?<![\w-])(B|BE|L|LU|LUX|CH|D|DE|A|AT|I|IT|E|ES|NL|P|PT|MC|AD|S|SE|DK|PL|CZ|GB|UK|CY)"
    r"(?: ?- ?(?=[0-9]{4,5}(?!\d))|(?=[0-9]{3,5}(?!\d)))"
)
_FOREIGN = re.compile(
    r"\b(?:(?P<GB>(?!CS|BP)[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2})|(?P<CA>[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9])"
    r"|(?P<US>[0-9]{5}-[0-9]{4})|(?P<PT>[0-9]{4}-[0-9]{3}(?= \D))"
    r"|(?P<NL>[0-9]{4} (?!LA|LE|ST|EN|DU|AU|EU|IS|OZ|SS|UR|US|RE|UZ|BU|BY|GY|PY|RI|RY|OO|YS)[A-Z]{2}(?= )))(?![\w-])"
)
_STATE_CODE = re.compile(r"\b([A-Z]{2})[ ,]+[0-9]{5}$|\b[0-9]{5}[ ,]+([A-Z]{2})$")
_POSTCODE = re.compile(
    r"(?<![0-9A-Za-z])([0-9]{2})[ .\u00a0\u202f-]?([0-9]{3})(?:[.,]0+(?![0-9]))?(?![0-9A-Za-z]|[.,/-][0-9])"
)
_CORSICAN = re.compile(
    r"(?<![0-9A-Za-z])(2[ABab])[ .\u00a0\u202f-]?([0-9]{3})(?:[.,]0+(?![0-9]))?(?![0-9A-Za-z]|[.,/-][0-9])"
)
_SHORT = re.compile(r"(?<![0-9A-Za-z.,])([0-9]{4})(?:[.,]0+(?![0-9]))?(?![0-9A-Za-z]|[.,/-][0-9])")
_BRACKETS = re.compile(r"[(\[{]([^()\[\]{}]{0,80})[)\]}]?")
_CUTS = re.compile(
    r"\s*[,;|•·→>]\s*|\s+[-–—/\\+]+\s+|\s*[:]\s+|(?<=[0-9A-Za-z])\s?[–—]\s?"
    r"|(?<=[a-zé])-\s|\s-(?=[A-ZÉ])|^[-–—]+\s*|\s*[-–—]+$"
)
_AND = re.compile(r"\s+(?:ou|or|et|&)\s+(?=[A-ZÉ])")
_NUMBERS = re.compile(r"^[^A-Za-zÀ-ÿ]+|[^A-Za-zÀ-ÿ]+$")
_CODE_FIRST = re.compile(
    r"(?:(?:dept?|dpt|dép|département)\.? ?)?\b(0?[1-9]|[1-8][0-9]|9[0-5]|2[ABab]|97[1-8]|98[678])[ ./_–-]+(?=\D)"
)
_CODE_LAST = re.compile(r"[ ./_–-]+(?:dept?|dpt|dép)?\.? ?(0[1-9]|[1-8][0-9]|9[0-5]|2[ABab]|97[1-8]|98[678]|[1-9])$")
_CEDEX = re.compile(r"[\s-]+ced(?:ex)?\b\.?\s*(?:n°\s*)?([0-9]{1,2}\b)?.*$|[\s-]+cdx\b.*$", re.IGNORECASE)
_DISTRICT = re.compile(
    r"(paris|lyon|marseille)(?: le)?(?: cedex)?(?: ?0*([1-9][0-9]?)| ([ivx]{1,5}))"
    r"(?: ?(?:er|ers|e|eme|ieme|nd|nde|me|re|ere|o))?(?: ?(?:arr[a-z]*|ardt|arrdt|cedex))?(?P<rest> .*)?"
)
_DISTRICT_FIRST = re.compile(
    r"(?:le )?(?:0?([1-9][0-9]?)|([ivx]{1,5})) ?(?:er|e|eme|ieme|nd|me|re|ere|o)? ?(?:arr[a-z]*|ardt)? ?"
    r"(?:de |d |a )?(paris|lyon|marseille)"
)
_DISTRICT_ALONE = re.compile(r"(?:le )?0?([1-9][0-9]?) ?(?:er|e|eme|ieme|nd|me|re)(?: ?(?:arr[a-z]*|ardt))?")
_HIGHEST = {"paris": 20, "lyon": 9, "marseille": 16}
_ROMAN = {"i": 1, "v": 5, "x": 10}
_EDGES = " \u00a0,;.:-–—/|'\"*•·#_«»“”"
_ARTICLE = re.compile(r"(?:l[ea]s?|l['’])", re.IGNORECASE)
_LEADING = re.compile(r"(?i:[àa] |vers |(?:ville|mairie|commune) (?:de |d['’]))(?=[A-ZÉÎ])")
_STREET = re.compile(
    r"\b(?:rue|avenue|av|boulevard|bd|bld|place|pl|chemin|route|rte|impasse|all[ée]es?|quai|cours|square|za|zi|zac|"
    r"z\.a\.?|z\.i\.?|zone|parc|b[âa]timent|bat|r[ée]sidence|immeuble|lotissement|lieu[- ]dit|faubourg|fg|esplanade|"
    r"passage|sentier|lot|centre commercial)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class TownName:
    """A possible town name, as written, with its own department (``areas``) and arrondissement (``district``)."""

    text: str
    areas: Areas = frozenset()
    district: tuple[str, int] | None = None


@dataclass(slots=True)
class Address:
    """The parts of a text. Names after a postcode come first; ``short``: four digits that may miss a leading zero."""

    postcodes: list[str] = field(default_factory=list)
    communes: list[str] = field(default_factory=list)
    short: list[str] = field(default_factory=list)
    names: list[TownName] = field(default_factory=list)
    areas: list[Areas] = field(default_factory=list)
    country: Country | None = None
    weak: bool = False
    abroad: str | None = None
    cedex: bool = False


def read_address(text: str) -> Address:
    """The parts of a text."""
    found = Address()
    text = one_line(text).replace("ᵉʳ", "er").replace("ᵉ", "e")
    text = _WORDED.sub(", ", text)
    for pattern in (_PHONE, _BOX, _SIRET):
        text = pattern.sub(" , ", text)
    text = _FRENCH_PREFIX.sub("", _GLUED.sub(r"\1 ", text))
    _find_foreign_code(text, found)
    text = _PREFIXED.sub("", text)
    inner = [(match[1], True) for match in _BRACKETS.finditer(text)]
    outer = _BRACKETS.sub(_keep_article, text)
    outer = " ".join(outer.split())
    pieces = [(piece, False) for piece in _split(outer)] + [
        (piece, True) for content, _ in inner for piece in _split(content)
    ]
    after_code: list[TownName] = []
    others: list[TownName] = []
    for piece, bracketed in pieces:
        _read_piece(piece.strip(_EDGES), found, after_code, others, bracketed=bracketed)
    names = after_code + [name for name in others if name not in after_code]
    found.names = [
        name for name in map(_with_district, names, repeat(names)) if not _DISTRICT_ALONE.fullmatch(plain(name.text))
    ]
    return found


def _with_district(name: TownName, names: list[TownName]) -> TownName:
    """Add the number of an arrondissement that is written separately from its town: ``Paris (15e)``."""
    town = plain(name.text)
    if name.district is None and town in _HIGHEST:
        numbers = (match[1] for other in names if (match := _DISTRICT_ALONE.fullmatch(plain(other.text))))
        district = next((found for number in numbers if (found := _district(f"{town} {number}"))), None)
        return replace(name, district=district)
    return name


def _split(text: str) -> list[str]:
    """Split a text into pieces; a commune such as ``Castets et Castillon`` stays one piece."""
    pieces: list[str] = []
    for piece in _CUTS.split(text):
        pieces += [piece] if not _AND.search(piece) or named(_NUMBERS.sub("", piece)) else _AND.split(piece)
    return pieces


def _keep_article(match: re.Match[str]) -> str:
    """The replacement of brackets: an article stays with its name, other content is read at the end."""
    content = match[1].strip()
    if _ARTICLE.fullmatch(content):
        return f" {content} "
    return " , "


def _find_foreign_code(text: str, found: Address) -> None:
    prefixed, foreign, state = _PREFIXED.search(text), _FOREIGN.search(text), _STATE_CODE.search(text.strip())
    if prefixed:
        found.abroad = prefixed[1]
    elif foreign:
        found.abroad = foreign.lastgroup
    elif state and (country := region_abroad(state[1] or state[2])):
        found.abroad = country.code


def _read_piece(
    piece: str, found: Address, after_code: list[TownName], others: list[TownName], *, bracketed: bool
) -> None:
    """Read one piece between commas, dashes or brackets."""
    if not piece:
        return
    digits = any(sign.isdigit() for sign in piece)
    if digits and _read_digits(piece, found, after_code, others):
        return
    if _is_apart(piece, found, after_name=bracketed or bool(after_code or others)):
        return
    if bracketed and _ARTICLE.fullmatch(piece):
        return
    name = _read_name(piece, found)
    if name is not None:
        others.append(name)


def _is_apart(piece: str, found: Address, *, after_name: bool = True) -> bool:
    """Note a piece that is a country, department or region; return whether it is one.

    After a name it is one even if a commune has the same name.
    """
    country = country_named(piece)
    areas = area_of(piece)
    if (country or areas) and not after_name and named(piece):
        return False
    if areas:
        found.areas.append(areas)
        return True
    weak = country is None or len(piece) == 2
    if country is None:
        country = region_abroad(piece)
    if country is None or (weak and len(piece) > 2 and named(piece)):
        return False
    if country.department:
        found.areas.append(frozenset((country.department,)))
    if found.country is None or found.country.french:
        found.country, found.weak = country, weak
    return True


def _read_digits(piece: str, found: Address, after_code: list[TownName], others: list[TownName]) -> bool:
    """Read the postcodes of a piece; return whether there are any."""
    matches = list(_POSTCODE.finditer(piece))
    codes = ["".join(match.groups()) for match in matches]
    corsican = list(_CORSICAN.finditer(piece))
    found.communes += ["".join(match.groups()).upper() for match in corsican]
    matches = sorted([*matches, *corsican], key=lambda match: match.start())
    if not matches and (matches := list(_SHORT.finditer(piece))):
        found.short += [match[1] for match in matches]
    found.postcodes += codes
    if not matches:
        return False
    last = matches[-1]
    after, ahead = piece[last.end() :].strip(_EDGES), piece[: matches[0].start()].strip(_EDGES)
    for text, names in ((after, after_code), (ahead, others)):
        if text and not _is_apart(text, found, after_name=bool(after_code or others)):
            name = _read_name(text, found)
            if name is not None:
                names.append(name)
    return True


def _read_name(text: str, found: Address) -> TownName | None:
    """A town's name without CEDEX, department, district and country; None if no name is left."""
    cedex = _CEDEX.search(text)
    district: tuple[str, int] | None = None
    if cedex:
        found.cedex = True
        text, number = text[: cedex.start()].strip(_EDGES), cedex[1]
        district = _district(f"{text} {number}") if number else None
    text = _LEADING.sub("", text, count=1) if _LEADING.match(text) else text
    areas: Areas = frozenset()
    district = district or _district(text)
    if district is None or not plain(text).startswith(district[0]):
        first = _CODE_FIRST.match(text)
        if first and not _STREET.search(text):
            rest = text[first.end() :].strip(_EDGES)
            inner = _district(rest)
            if inner or district is None:
                areas, text, district = area_of(first[1].upper()), rest, inner
    if district is None:
        last = _CODE_LAST.search(text)
        if last and not _STREET.search(text):
            areas, text = areas or area_of(last[1].upper()), text[: last.start()].strip(_EDGES)
    text = _strip_country(text, found)
    if areas and area_of(text) == areas and not any(known.department in areas for known in named(text)):
        found.areas.append(areas)
        return None
    if any(sign.isalpha() for sign in text):
        return TownName(text, areas, district)
    if areas:
        found.areas.append(areas)
    return None


def _strip_country(text: str, found: Address) -> str:
    """The name without a country after it: ``Rennes France``, ``Bruxelles Belgique``."""
    words = text.split()
    for count in range(min(4, len(words) - 1), 0, -1):
        ending = " ".join(words[-count:])
        country = country_named(ending)
        if country and plain(words[-count - 1]) not in ("en", "de", "la", "le", "du", "des", "l", "d", "et", "a"):
            if named(text):
                return text
            if found.country is None or found.country.french:
                found.country = country
            return " ".join(words[:-count]).strip(_EDGES)
    return text


def _district(text: str) -> tuple[str, int] | None:
    """Town and number of an arrondissement: ``Paris 15``, ``LYON 3EME``, ``15e arrondissement de Paris``."""
    key = plain(text)
    match = _DISTRICT.fullmatch(key)
    if match:
        town, number = match[1], int(match[2]) if match[2] else _roman(match[3])
    else:
        match = _DISTRICT_FIRST.fullmatch(key)
        if not match or key == match[3]:
            return None
        town, number = match[3], int(match[1]) if match[1] else _roman(match[2])
    return (town, number) if 1 <= number <= _HIGHEST[town] else None


def _roman(text: str) -> int:
    values = [_ROMAN[sign] for sign in text]
    return sum(
        -value if index + 1 < len(values) and values[index + 1] > value else value for index, value in enumerate(values)
    )
