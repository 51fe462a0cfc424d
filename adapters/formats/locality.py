"""Locality: resolve a feed's postcode, city, INSEE code, department and country to one locality in France.

``resolve`` is pure: texts in, a ``Locality`` with warnings or a ``Refusal`` out. Nothing is guessed: a town abroad, a
name of several communes and a postcode that fits no city are refused, each with its own code.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from adapters.formats.address import Address, Name, read_address
from adapters.formats.gazetteer import (
    Areas,
    Known,
    area_of,
    beginning_with,
    by_code,
    districts_of,
    is_unstated,
    name_key,
    named,
    read_country,
    town_abroad,
    town_of,
)
from adapters.formats.matching import city_name, departments_of, fit, local_communes, postcode_of, town_written
from adapters.formats.text import one_line
from schemas.communes import Commune, communes_of, department_of, plain_name, serves
from schemas.spoken import Spoken

_PLAIN_POSTCODE = re.compile(r"[0-9]{5}")
_PLAIN_CITY = re.compile(r"[^\W\d_](?:[^\W\d_]|[ '’-])*")
_WHOLE = re.compile(r"(?P<code>[0-9]{5}) (?P<city>\D+)")
_SHORT = re.compile(r"([0-9]{4})(?:[.,]0+)?")
_MONACO = "980"
_CENTRE = re.compile(r"[ -]+(?:centre(?:[ -]ville)?|ville|gare|intra[ -]muros|hypercentre|bourg)$", re.IGNORECASE)
_SITES = frozenset((
    "sophiaantipolis", "marnelavallee", "ladefense", "parisladefense", "futuroscope", "chasseneuildupoitoufuturoscope",
    "roissycdg", "roissycharlesdegaulle", "cergypontoise", "saintquentinenyvelines", "labege", "rungis", "lisieux",
))  # fmt: skip
"""Names used in CEDEX addresses that are not names of communes."""
_MOST_NAMED = 5
_NONE = Spoken("none is known", "aucune n’est connue")


@dataclass(frozen=True, slots=True)
class Written:
    """The texts of a feed; empty if it has none."""

    postcode: str = ""
    city: str = ""
    commune: str = ""
    department: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A problem code with its member of ``location`` (empty: all of them) and its values."""

    code: str
    member: str = ""
    expected: Any = None
    actual: Any = None


@dataclass(frozen=True, slots=True)
class Locality:
    """A locality in France. ``insee_commune``: only if the feed gives it, or if it is surer than the postcode."""

    postal_code: str | None
    city: str | None
    insee_commune: str | None = None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason for no locality; ``city`` is as written in the feed."""

    note: Note
    city: str | None = None


class _RefusedError(Exception):
    """Ends the resolution."""

    def __init__(self, code: str, member: str = "", *, expected: Any = None, actual: Any = None) -> None:
        super().__init__(code)
        self.note = Note(code, member, expected, actual)


def resolve(written: Written) -> Locality | Refusal:
    """Return the locality, or the reason for none."""
    usual = not written.commune and not written.department and written.country in ("", "FR", "France")
    if usual and serves(written.postcode, written.city):
        return Locality(written.postcode, written.city)
    return _resolve(written, usual=usual)


@lru_cache(maxsize=8192)
def _resolve(written: Written, *, usual: bool) -> Locality | Refusal:
    postcode, city = written.postcode, written.city
    whole = _WHOLE.fullmatch(city) if usual and postcode == city else None
    if whole:
        postcode, city = whole["code"], whole["city"]
    if usual and _PLAIN_POSTCODE.fullmatch(postcode) and _PLAIN_CITY.fullmatch(city):
        if serves(postcode, city):
            return Locality(postcode, city)
        served = communes_of(postcode)
        name = plain_name(city) if "CEDEX" not in city.upper() else ""
        if name and any(name == plain_name(one.name) for one in served):
            return Locality(postcode, city)
    resolution = _Resolution(written)
    try:
        return resolution.run()
    except _RefusedError as refused:
        return Refusal(refused.note, resolution.first_name)


@dataclass(slots=True)
class _Resolution:
    """State of one resolution: the parts of all texts, and the notes so far."""

    written: Written
    notes: list[Note] = field(default_factory=list)
    french: bool = False
    areas: list[Areas] = field(default_factory=list)
    names: list[Name] = field(default_factory=list)
    lines: list[Address] = field(default_factory=list)

    @property
    def first_name(self) -> str | None:
        """The city as far as it can be read."""
        return self.names[0].text if self.names else one_line(self.written.city) or None

    @property
    def text(self) -> str:
        """Postcode and city as written, for messages."""
        return one_line(", ".join(dict.fromkeys(filter(None, (self.written.postcode, self.written.city)))))

    def run(self) -> Locality:
        """Return the locality. Raises _RefusedError."""
        written = self.written
        commune = self._read_commune(written.commune)
        self._read_country(written.country)
        self._read_department(written.department)
        self._read_lines()
        if commune is not None and commune.isdigit() and by_code(commune) is None and communes_of(commune):
            self._note("postcode-as-insee", "insee_commune", actual=written.commune)
            if not self._postcodes:
                self.lines.append(Address(postcodes=[commune]))
            commune = None
        known = by_code(commune) if commune else None
        if known is not None:
            return self._end(self._with_commune(known))
        as_commune = next((one for line in self.lines for code in line.communes if (one := by_code(code))), None)
        if as_commune is not None:
            return self._end(self._read_as_commune(as_commune))
        if not self.text:
            found = Locality(None, None)
        elif self._postcodes:
            found = self._with_postcode()
        elif self._shorts:
            found = self._with_short()
        else:
            found = self._with_name()
        if commune and not found.insee_commune:
            found = Locality(found.postal_code, found.city, commune)
        return self._end(found)

    # -- read the texts

    def _read_commune(self, text: str) -> str | None:
        text = re.sub(r"[\s.]0+$|\s", "", one_line(text).upper()) if text and not is_unstated(text) else ""
        short = _SHORT.fullmatch(text)
        if short:
            self._note("leading-zero-restored", "insee_commune", expected=f"0{short[1]}", actual=text)
            return f"0{short[1]}"
        return text or None

    def _read_country(self, text: str) -> None:
        if not text or is_unstated(text):
            return
        country = read_country(text)
        if country is None:
            areas = area_of(text)
            if not areas:
                raise _RefusedError("country-unknown", "country", actual=text)
            self.areas.append(areas)
        elif not country.french:
            raise _RefusedError("location-abroad", "country", actual=text)
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
            raise _RefusedError("location-abroad", "country", actual=text)

    def _read_lines(self) -> None:
        given = (self.written.city, self.written.postcode)
        texts = dict.fromkeys(text for text in given if text and not is_unstated(text))
        self.lines = [read_address(text) for text in texts]
        for text, line in zip(texts, self.lines, strict=True):
            self.areas += line.areas
            self.names += line.names
            if line.abroad or (line.country and not line.country.french and not self._is_fitting(line)):
                raise _RefusedError("location-abroad", "", actual=text)

    @staticmethod
    def _is_fitting(line: Address) -> bool:
        """Return whether a French postcode fits the city, though two capitals beside it may be a state abroad."""
        weak = line.country is not None and line.weak
        return weak and any(fit(line.names, communes_of(code)) for code in line.postcodes)

    @property
    def _postcodes(self) -> list[str]:
        return [code for line in reversed(self.lines) for code in line.postcodes if code != "00000"]

    @property
    def _shorts(self) -> list[str]:
        return [code for line in reversed(self.lines) for code in line.short]

    @property
    def _has_cedex(self) -> bool:
        return any(line.cedex for line in self.lines)

    def _note(self, code: str, member: str, *, expected: Any = None, actual: Any = None) -> None:
        self.notes.append(Note(code, member, expected, actual))

    # -- resolve them

    def _with_commune(self, known: Known) -> Locality:
        """Resolve with an INSEE code: compare the city with it, and derive a missing postcode from it."""
        codes = [code for code in self._postcodes if code != known.code or communes_of(code)]
        restored = [f"0{code}" for code in self._shorts if f"0{code}" in known.postcodes]
        postcode = next((code for code in codes if code in known.postcodes), codes[-1] if codes else None)
        if postcode is None and restored:
            postcode = restored[0]
            self._note("leading-zero-restored", "postal_code", expected=postcode, actual=self._shorts[0])
        elif postcode is None:
            postcode = self._derived(known, self.text or known.code)
        return Locality(postcode, self._compared(known), known.code)

    def _read_as_commune(self, known: Known) -> Locality:
        """Resolve an INSEE code that is written instead of a postcode."""
        postcode = postcode_of(known, self.names)
        self._note("insee-as-postcode", "postal_code", expected=postcode, actual=known.code)
        return Locality(postcode, self._compared(known), known.code)

    def _with_postcode(self) -> Locality:
        codes = list(dict.fromkeys(self._postcodes))
        for code in codes[::-1]:
            if code.startswith(_MONACO):
                raise _RefusedError("location-abroad", "", actual=self.text)
            fitting = fit(self.names, communes_of(code))
            if fitting:
                return Locality(code, city_name(*fitting))
        for code in codes[::-1]:
            known = by_code(code)
            if known and not self._has_cedex and fit(self.names, (known,)):
                return self._read_as_commune(known)
        code = next((code for code in codes[::-1] if communes_of(code)), codes[-1])
        return self._with_other_city(code) if self.names else self._without_city(code)

    def _without_city(self, code: str) -> Locality:
        served = communes_of(code)
        if served:
            return Locality(code, self._only_city(served))
        known = by_code(code)
        if known:
            return self._read_as_commune(known)
        if not departments_of(code):
            raise _RefusedError("location-unknown", "", actual=self.text)
        return Locality(code, None)

    def _with_other_city(self, code: str) -> Locality:
        """Resolve a city that is none of the postcode's: of CEDEX, a quarter, a mistake, or a town abroad."""
        near = departments_of(code)
        for name in self.names:
            local = local_communes(name, near)
            if local:
                if communes_of(code) and not self._has_cedex:
                    self._mismatch(name, communes_of(code))
                return Locality(code, city_name(name, local[0]) if len(local) == 1 else name.text)
        self._refuse_town_abroad()
        site = any(name_key(name.text) in _SITES or name_key(name.text).startswith("paris") for name in self.names)
        if not near or not (communes_of(code) or self._has_cedex or self.french or site or self._names_near(near)):
            raise _RefusedError("location-unknown", "", actual=self.text)
        if not (site or (self._has_cedex and not communes_of(code))):
            self._mismatch(self._main_name, communes_of(code))
        return Locality(code, self._main_name.text)

    def _names_near(self, near: Areas) -> bool:
        return bool(self.areas) and all(areas & near for areas in self.areas)

    @property
    def _main_name(self) -> Name:
        return self.names[0]

    def _with_short(self) -> Locality:
        """Resolve four digits: a postcode or INSEE code without its leading zero, unless the city contradicts it."""
        for short in self._shorts:
            code = f"0{short}"
            near = departments_of(code)
            fitting = fit(self.names, communes_of(code))
            if fitting is None:
                known = by_code(code)
                if known and fit(self.names, (known,)) and not self._has_cedex:
                    self._note("leading-zero-restored", "postal_code", expected=code, actual=short)
                    return self._read_as_commune(known)
                fitting = next(((name, known) for name in self.names for known in local_communes(name, near)), None)
            if fitting or (not self.names and communes_of(code)):
                self._note("leading-zero-restored", "postal_code", expected=code, actual=short)
                return Locality(code, city_name(*fitting) if fitting else self._only_city(communes_of(code)))
        lonely = any(_SHORT.fullmatch(one_line(text)) for text in (self.written.postcode, self.written.city))
        self._refuse_town_abroad()
        if not lonely:
            return self._with_name()
        short = self._shorts[0]
        code = f"0{short}"
        if not self.names or not communes_of(code) or not self.french:
            raise _RefusedError("location-unknown" if self.names else "postcode-unreadable", "", actual=self.text)
        self._note("leading-zero-restored", "postal_code", expected=code, actual=short)
        self._mismatch(self._main_name, communes_of(code))
        return Locality(code, self._main_name.text)

    def _with_name(self) -> Locality:
        """Resolve without a postcode: the only commune that the name can mean."""
        for line in self.lines:
            found = [(name, bearers) for name in line.names if (bearers := self._candidates(name))]
            if not found:
                continue
            towns = {known.code: known for _, bearers in found for known in bearers}
            if len(towns) > 1:
                raise self._ambiguous(towns.values(), found[0][0])
            name = next((name for name, _ in found if name.district), found[0][0])
            known = next(iter(towns.values()))
            if town_abroad(name_key(town_written(name))) and not self._is_located(name):
                raise self._ambiguous((known,), name)
            return self._of_name(name, known)
        self._refuse_town_abroad()
        raise _RefusedError("postcode-unreadable", "postal_code", actual=self.text)

    def _of_name(self, name: Name, known: Known) -> Locality:
        begin = districts_of(known.code)
        if begin and name.district:
            known = by_code(f"{begin}{name.district[1]:0{5 - len(begin)}d}") or known
        return Locality(self._derived(known, name.text), city_name(name, known), known.code)

    def _is_located(self, name: Name) -> bool:
        return self.french or bool(self.areas or name.areas or name.district)

    def _candidates(self, name: Name) -> Sequence[Known]:
        areas = [*self.areas, *([name.areas] if name.areas else ())]
        town = town_written(name)
        for text in dict.fromkeys((town, _CENTRE.sub("", town))):
            found = [known for known in named(text) if all(known.department in area for area in areas)]
            if found:
                return found
        return beginning_with(town, frozenset.intersection(*areas)) if areas else ()

    def _ambiguous(self, towns: Iterable[Known], name: Name) -> _RefusedError:
        named_towns = [f"{known.name} ({known.department})" for known in sorted(towns, key=lambda known: known.code)]
        abroad = town_abroad(name_key(town_written(name)))
        if abroad:
            named_towns = [*named_towns[: _MOST_NAMED - 1], f"{name.text} ({abroad})"]
        return _RefusedError("location-ambiguous", "", expected=named_towns[:_MOST_NAMED], actual=self.text)

    def _refuse_town_abroad(self) -> None:
        if self.areas:  # with a French department, the name is a mistake or not a town
            return
        for name in self.names:
            if town_abroad(name_key(name.text)) or town_abroad(name_key(name.text.partition(" ")[0])):
                raise _RefusedError("location-abroad", "", actual=self.text)

    # -- derive and compare

    def _derived(self, known: Known, actual: str) -> str:
        postcode = postcode_of(known, self.names)
        self._note("postcode-derived", "postal_code", expected=postcode, actual=actual)
        return postcode

    def _only_city(self, served: Sequence[Commune]) -> str | None:
        """Return the city of a postcode that serves only one, else None."""
        towns = {town_of(commune) for commune in served}
        if len(towns) != 1:
            return None
        [city] = towns
        self._note("city-derived", "city", expected=city, actual=self.text)
        return city

    def _compared(self, known: Known) -> str:
        """Return the city beside an INSEE code: as written, with a warning if it differs; else the commune's name."""
        town = town_of(known)
        fitting = fit(self.names, (known,))
        if fitting:
            return city_name(*fitting)
        if not self.names:
            self._note("city-derived", "city", expected=town, actual=known.code)
            return town
        self._note("city-mismatch", "city", expected=[town], actual=self._main_name.text)
        return self._main_name.text

    def _mismatch(self, name: Name, served: Sequence[Commune]) -> None:
        towns = list(dict.fromkeys(map(town_of, served)))[:_MOST_NAMED]
        self._note("city-mismatch", "city", expected=towns or _NONE, actual=name.text)

    def _end(self, found: Locality) -> Locality:
        """Return the locality with its notes, plus one if its department is not the written one."""
        if found.postal_code is not None:
            code = found.insee_commune or ""
            departments = frozenset((department_of(code),)) if by_code(code) else departments_of(found.postal_code)
            for areas in self.areas:
                if departments and not departments & areas:
                    departments_written = sorted(areas)[:_MOST_NAMED]
                    self._note(
                        "department-mismatch", "postal_code", expected=departments_written, actual=found.postal_code
                    )
                    break
        return Locality(found.postal_code, found.city, found.insee_commune, tuple(self.notes))
