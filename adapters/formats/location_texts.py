"""The location texts of an item: read into parts, and their names matched with communes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.formats.address import Address, TownName, read_address
from adapters.formats.gazetteer import (
    Areas,
    KnownCommune,
    area_of,
    beginning_with,
    by_code,
    districts_of,
    is_commune,
    is_unstated,
    name_key,
    named,
    part_of_name,
    read_country,
    town_of,
)
from adapters.formats.text import one_line
from schemas.communes import Commune, communes_of, department_of, plain_name
from schemas.territory import territories

SHORT = re.compile(r"([0-9]{4})(?:[.,]0+)?")
"""A code without its leading zero."""


def town_written(name: TownName) -> str:
    """The town of a name; for an arrondissement, its town."""
    return name.district[0] if name.district else name.text


def local_communes(name: TownName, areas: Areas) -> tuple[KnownCommune, ...]:
    """The communes of the departments ``areas`` that a name can mean."""
    exact = tuple(known for known in named(town_written(name)) if known.department in areas)
    return exact or beginning_with(town_written(name), areas)


def fit(names: Sequence[TownName], communes: Sequence[Commune]) -> tuple[TownName, Commune] | None:
    """The first name and commune that match; else the first that share their first words; else None."""
    for name in names:
        for commune in communes:
            if is_commune(town_written(name), commune):
                return name, commune
    for name in names:
        for commune in communes:
            if part_of_name(town_written(name), town_of(commune)):
                return name, commune
    return None


def city_name(name: TownName, commune: Commune) -> str:
    """The name as written, or the commune's name if the verdict could not match the two."""
    town = town_of(commune)
    if name.district:
        return name.text if plain_name(name.text) == plain_name(town) else town
    same = name_key(name.text) == name_key(town) or is_commune(name.text, Commune("", town))
    return town if same and plain_name(name.text) != plain_name(town) else name.text


def postcode_of(known: KnownCommune, names: Sequence[TownName]) -> str:
    """A postcode of a commune: that of the written arrondissement, else the lowest."""
    begin = districts_of(known.code)
    number = next((name.district[1] for name in names if name.district), None)
    district = by_code(f"{begin}{number:0{5 - len(begin)}d}") if begin and number else None
    return (district or known).postcodes[0]


def departments_of(postcode: str) -> Areas:
    """The possible departments of a postcode: those of its communes, else those of its first digits."""
    served = communes_of(postcode)
    if served:
        return frozenset(commune.department for commune in served)
    if postcode.startswith("20"):
        return frozenset(("2A", "2B"))
    department = department_of(postcode)
    return frozenset((department,)) if department in territories() else frozenset()


@dataclass(frozen=True, slots=True)
class Written:
    """The texts of a feed; empty if it has none."""

    postcode: str = ""
    city: str = ""
    commune: str = ""
    department: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class LocationNote:
    """A problem code with its member of ``location`` (empty: all of them) and its values."""

    code: str
    member: str = ""
    expected: Any = None
    actual: Any = None


class LocalityError(Exception):
    """No locality can be found. ``note`` is the reason."""

    def __init__(self, code: str, member: str = "", *, expected: Any = None, actual: Any = None) -> None:
        super().__init__(code)
        self.note = LocationNote(code, member, expected, actual)


@dataclass(slots=True)
class LocationTexts:
    """The parts of all texts of one item, and the notes so far. ``french``: its country is France.

    ``commune`` is the INSEE code as written, with a leading zero that a spreadsheet removed.
    """

    written: Written
    notes: list[LocationNote] = field(default_factory=list)
    commune: str | None = None
    french: bool = False
    areas: list[Areas] = field(default_factory=list)
    names: list[TownName] = field(default_factory=list)
    lines: list[Address] = field(default_factory=list)

    @property
    def first_name(self) -> str | None:
        """The city as far as it can be read."""
        return self.names[0].text if self.names else one_line(self.written.city) or None

    @property
    def text(self) -> str:
        """Postcode and city as written, for messages."""
        return one_line(", ".join(dict.fromkeys(filter(None, (self.written.postcode, self.written.city)))))

    @property
    def postcodes(self) -> list[str]:
        """The postcodes of both texts, those of the city's first."""
        return [code for line in reversed(self.lines) for code in line.postcodes if code != "00000"]

    @property
    def shorts(self) -> list[str]:
        """The codes of four digits, in the same order."""
        return [code for line in reversed(self.lines) for code in line.short]

    @property
    def has_cedex(self) -> bool:
        """Whether one of the texts is a CEDEX address."""
        return any(line.cedex for line in self.lines)

    def note(self, code: str, member: str, *, expected: Any = None, actual: Any = None) -> None:
        """Add a note."""
        self.notes.append(LocationNote(code, member, expected, actual))

    def read(self) -> None:
        """Read all texts. Raises LocalityError for an unknown or foreign country."""
        written = self.written
        self.commune = self._read_commune(written.commune)
        self._read_country(written.country)
        self._read_department(written.department)
        self._read_lines()

    def _read_commune(self, text: str) -> str | None:
        text = re.sub(r"[\s.]0+$|\s", "", one_line(text).upper()) if text and not is_unstated(text) else ""
        short = SHORT.fullmatch(text)
        if short:
            self.note("leading-zero-restored", "insee_commune", expected=f"0{short[1]}", actual=text)
            return f"0{short[1]}"
        return text or None

    def _read_country(self, text: str) -> None:
        if not text or is_unstated(text):
            return
        country = read_country(text)
        if country is None:
            areas = area_of(text)
            if not areas:
                raise LocalityError("country-unknown", "country", actual=text)
            self.areas.append(areas)
        elif not country.french:
            raise LocalityError("location-abroad", "country", actual=text)
        elif country.department:
            self.areas.append(frozenset((country.department,)))
        self.french = True

    def _read_department(self, text: str) -> None:
        if not text or is_unstated(text):
            return
        areas = area_of(text)
        if areas:
            self.areas.append(areas)
            return
        line = read_address(text)
        self.areas += line.areas
        if not line.areas and line.country and not line.country.french:
            raise LocalityError("location-abroad", "country", actual=text)

    def _read_lines(self) -> None:
        given = (self.written.city, self.written.postcode)
        texts = dict.fromkeys(text for text in given if text and not is_unstated(text))
        self.lines = [read_address(text) for text in texts]
        for text, line in zip(texts, self.lines, strict=True):
            self.areas += line.areas
            self.names += line.names
            if line.abroad or (line.country and not line.country.french and not self._is_fitting(line)):
                raise LocalityError("location-abroad", "", actual=text)

    @staticmethod
    def _is_fitting(line: Address) -> bool:
        """Whether a French postcode fits the city, though two capitals beside it may be a state abroad."""
        weak = line.country is not None and line.weak
        return weak and any(fit(line.names, communes_of(code)) for code in line.postcodes)
