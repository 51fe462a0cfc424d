"""Resolve a feed's postcode, city, INSEE code, department and country to one locality in France.

``resolve`` is pure: texts in, a ``Locality`` with warnings or a ``LocalityRefusal`` out. Nothing is guessed: a town
abroad, a name of several communes and a postcode that fits no city are refused, each with its own code.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from adapters.formats.address import Address, TownName
from adapters.formats.gazetteer import (
    Areas,
    KnownCommune,
    beginning_with,
    by_code,
    districts_of,
    name_key,
    named,
    town_abroad,
    town_of,
)
from adapters.formats.location_texts import (
    SHORT,
    LocalityError,
    LocationNote,
    LocationTexts,
    Written,
    city_name,
    departments_of,
    fit,
    local_communes,
    postcode_of,
    town_written,
)
from adapters.formats.text import one_line
from schemas.bilingual import Bilingual
from schemas.communes import Commune, communes_of, department_of, plain_name, serves

_PLAIN_POSTCODE = re.compile(r"[0-9]{5}")
_PLAIN_CITY = re.compile(r"[^\W\d_](?:[^\W\d_]|[ '’-])*")
_WHOLE = re.compile(r"(?P<code>[0-9]{5}) (?P<city>\D+)")
_MONACO = "980"
_CENTRE = re.compile(r"[ -]+(?:centre(?:[ -]ville)?|ville|gare|intra[ -]muros|hypercentre|bourg)$", re.IGNORECASE)
_SITES = frozenset((
    "sophiaantipolis", "marnelavallee", "ladefense", "parisladefense", "futuroscope", "chasseneuildupoitoufuturoscope",
    "roissycdg", "roissycharlesdegaulle", "cergypontoise", "saintquentinenyvelines", "labege", "rungis", "lisieux",
))  # fmt: skip
"""Names used in CEDEX addresses that are not names of communes."""
_MAX_NAMED = 5
_NONE = Bilingual("none is known", "aucune n’est connue")


@dataclass(frozen=True, slots=True)
class Locality:
    """A locality in France. ``insee_commune``: only if the feed gives it, or if it is surer than the postcode."""

    postal_code: str | None
    city: str | None
    insee_commune: str | None = None
    notes: tuple[LocationNote, ...] = ()


@dataclass(frozen=True, slots=True)
class LocalityRefusal:
    """The reason for no locality; ``city`` is as written in the feed."""

    note: LocationNote
    city: str | None = None


def resolve(written: Written) -> Locality | LocalityRefusal:
    """The locality, or the reason for none."""
    usual = not written.commune and not written.department and written.country in ("", "FR", "France")
    if usual and serves(written.postcode, written.city):
        return Locality(written.postcode, written.city)
    return _resolve(written, usual=usual)


@lru_cache(maxsize=8192)
def _resolve(written: Written, *, usual: bool) -> Locality | LocalityRefusal:
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
    texts = LocationTexts(written)
    try:
        texts.read()
        return _Resolution(texts).run()
    except LocalityError as refused:
        return LocalityRefusal(refused.note, texts.first_name)


@dataclass(frozen=True, slots=True)
class _Resolution:
    """One resolution of the texts, which collect its notes."""

    texts: LocationTexts

    def run(self) -> Locality:
        """The locality. Raises LocalityError."""
        commune = self.texts.commune
        if commune is not None and commune.isdigit() and by_code(commune) is None and communes_of(commune):
            self.texts.note("postcode-as-insee", "insee_commune", actual=self.texts.written.commune)
            if not self.texts.postcodes:
                self.texts.lines.append(Address(postcodes=[commune]))
            commune = None
        known = by_code(commune) if commune else None
        if known is not None:
            return self._end(self._with_commune(known))
        as_commune = next((one for line in self.texts.lines for code in line.communes if (one := by_code(code))), None)
        if as_commune is not None:
            return self._end(self._read_as_commune(as_commune))
        if not self.texts.text:
            found = Locality(None, None)
        elif self.texts.postcodes:
            found = self._with_postcode()
        elif self.texts.shorts:
            found = self._with_short()
        else:
            found = self._with_name()
        if commune and not found.insee_commune:
            found = Locality(found.postal_code, found.city, commune)
        return self._end(found)

    def _with_commune(self, known: KnownCommune) -> Locality:
        """Resolve with an INSEE code: compare the city with it, and derive a missing postcode from it."""
        codes = [code for code in self.texts.postcodes if code != known.code or communes_of(code)]
        restored = [f"0{code}" for code in self.texts.shorts if f"0{code}" in known.postcodes]
        postcode = next((code for code in codes if code in known.postcodes), codes[-1] if codes else None)
        if postcode is None and restored:
            postcode = restored[0]
            self.texts.note("leading-zero-restored", "postal_code", expected=postcode, actual=self.texts.shorts[0])
        elif postcode is None:
            postcode = self._derived(known, self.texts.text or known.code)
        return Locality(postcode, self._compared(known), known.code)

    def _read_as_commune(self, known: KnownCommune) -> Locality:
        """Resolve an INSEE code that is written instead of a postcode."""
        postcode = postcode_of(known, self.texts.names)
        self.texts.note("insee-as-postcode", "postal_code", expected=postcode, actual=known.code)
        return Locality(postcode, self._compared(known), known.code)

    def _with_postcode(self) -> Locality:
        codes = list(dict.fromkeys(self.texts.postcodes))
        for code in codes[::-1]:
            if code.startswith(_MONACO):
                raise LocalityError("location-abroad", actual=self.texts.text)
            fitting = fit(self.texts.names, communes_of(code))
            if fitting:
                return Locality(code, city_name(*fitting))
        for code in codes[::-1]:
            known = by_code(code)
            if known and not self.texts.has_cedex and fit(self.texts.names, (known,)):
                return self._read_as_commune(known)
        code = next((code for code in codes[::-1] if communes_of(code)), codes[-1])
        return self._with_other_city(code) if self.texts.names else self._without_city(code)

    def _without_city(self, code: str) -> Locality:
        served = communes_of(code)
        if served:
            return Locality(code, self._only_city(served))
        known = by_code(code)
        if known:
            return self._read_as_commune(known)
        if not departments_of(code):
            raise LocalityError("location-unknown", actual=self.texts.text)
        return Locality(code, None)

    def _with_other_city(self, code: str) -> Locality:
        """Resolve a city that is none of the postcode's: of CEDEX, a quarter, a mistake, or a town abroad."""
        texts = self.texts
        near = departments_of(code)
        for name in texts.names:
            local = local_communes(name, near)
            if local:
                if communes_of(code) and not texts.has_cedex:
                    self._mismatch(name, communes_of(code))
                return Locality(code, city_name(name, local[0]) if len(local) == 1 else name.text)
        self._refuse_town_abroad()
        site = any(name_key(name.text) in _SITES or name_key(name.text).startswith("paris") for name in texts.names)
        if not near or not (communes_of(code) or texts.has_cedex or texts.french or site or self._names_near(near)):
            raise LocalityError("location-unknown", actual=texts.text)
        if not (site or (texts.has_cedex and not communes_of(code))):
            self._mismatch(texts.names[0], communes_of(code))
        return Locality(code, texts.names[0].text)

    def _names_near(self, near: Areas) -> bool:
        return bool(self.texts.areas) and all(areas & near for areas in self.texts.areas)

    def _with_short(self) -> Locality:
        """Resolve four digits: a postcode or INSEE code without its leading zero, unless the city contradicts it."""
        texts = self.texts
        for short in texts.shorts:
            code = f"0{short}"
            near = departments_of(code)
            fitting = fit(texts.names, communes_of(code))
            if fitting is None:
                known = by_code(code)
                if known and fit(texts.names, (known,)) and not texts.has_cedex:
                    texts.note("leading-zero-restored", "postal_code", expected=code, actual=short)
                    return self._read_as_commune(known)
                fitting = next(((name, known) for name in texts.names for known in local_communes(name, near)), None)
            if fitting or (not texts.names and communes_of(code)):
                texts.note("leading-zero-restored", "postal_code", expected=code, actual=short)
                return Locality(code, city_name(*fitting) if fitting else self._only_city(communes_of(code)))
        lonely = any(SHORT.fullmatch(one_line(text)) for text in (texts.written.postcode, texts.written.city))
        self._refuse_town_abroad()
        if not lonely:
            return self._with_name()
        short = texts.shorts[0]
        code = f"0{short}"
        if not texts.names or not communes_of(code) or not texts.french:
            raise LocalityError("location-unknown" if texts.names else "postcode-unreadable", actual=texts.text)
        texts.note("leading-zero-restored", "postal_code", expected=code, actual=short)
        self._mismatch(texts.names[0], communes_of(code))
        return Locality(code, texts.names[0].text)

    def _with_name(self) -> Locality:
        """Resolve without a postcode: the only commune that the name can mean."""
        for line in self.texts.lines:
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
        raise LocalityError("postcode-unreadable", "postal_code", actual=self.texts.text)

    def _of_name(self, name: TownName, known: KnownCommune) -> Locality:
        begin = districts_of(known.code)
        if begin and name.district:
            known = by_code(f"{begin}{name.district[1]:0{5 - len(begin)}d}") or known
        return Locality(self._derived(known, name.text), city_name(name, known), known.code)

    def _is_located(self, name: TownName) -> bool:
        return self.texts.french or bool(self.texts.areas or name.areas or name.district)

    def _candidates(self, name: TownName) -> Sequence[KnownCommune]:
        areas = [*self.texts.areas, *([name.areas] if name.areas else ())]
        town = town_written(name)
        for text in dict.fromkeys((town, _CENTRE.sub("", town))):
            found = [known for known in named(text) if all(known.department in area for area in areas)]
            if found:
                return found
        return beginning_with(town, frozenset.intersection(*areas)) if areas else ()

    def _ambiguous(self, towns: Iterable[KnownCommune], name: TownName) -> LocalityError:
        named_towns = [f"{known.name} ({known.department})" for known in sorted(towns, key=lambda known: known.code)]
        abroad = town_abroad(name_key(town_written(name)))
        if abroad:
            named_towns = [*named_towns[: _MAX_NAMED - 1], f"{name.text} ({abroad})"]
        return LocalityError("location-ambiguous", expected=named_towns[:_MAX_NAMED], actual=self.texts.text)

    def _refuse_town_abroad(self) -> None:
        if self.texts.areas:  # with a French department, the name is a mistake or not a town
            return
        for name in self.texts.names:
            begin = name_key(name.text.partition(" ")[0])
            if town_abroad(name_key(name.text)) or town_abroad(begin, whole=False):
                raise LocalityError("location-abroad", actual=self.texts.text)

    def _derived(self, known: KnownCommune, actual: str) -> str:
        postcode = postcode_of(known, self.texts.names)
        self.texts.note("postcode-derived", "postal_code", expected=postcode, actual=actual)
        return postcode

    def _only_city(self, served: Sequence[Commune]) -> str | None:
        """The city of a postcode that serves only one, else None."""
        towns = {town_of(commune) for commune in served}
        if len(towns) != 1:
            return None
        [city] = towns
        self.texts.note("city-derived", "city", expected=city, actual=self.texts.text)
        return city

    def _compared(self, known: KnownCommune) -> str:
        """The city beside an INSEE code: as written, with a warning if it differs; else the commune's name."""
        town = town_of(known)
        fitting = fit(self.texts.names, (known,))
        if fitting:
            return city_name(*fitting)
        if not self.texts.names:
            self.texts.note("city-derived", "city", expected=town, actual=known.code)
            return town
        self.texts.note("city-mismatch", "city", expected=[town], actual=self.texts.names[0].text)
        return self.texts.names[0].text

    def _mismatch(self, name: TownName, served: Sequence[Commune]) -> None:
        towns = list(dict.fromkeys(map(town_of, served)))[:_MAX_NAMED]
        self.texts.note("city-mismatch", "city", expected=towns or _NONE, actual=name.text)

    def _end(self, found: Locality) -> Locality:
        """The locality with its notes, plus one if its department is not the written one."""
        if found.postal_code is not None:
            code = found.insee_commune or ""
            departments = frozenset((department_of(code),)) if by_code(code) else departments_of(found.postal_code)
            for areas in self.texts.areas:
                if departments and not departments & areas:
                    departments_written = sorted(areas)[:_MAX_NAMED]
                    self.texts.note(
                        "department-mismatch", "postal_code", expected=departments_written, actual=found.postal_code
                    )
                    break
        return Locality(found.postal_code, found.city, found.insee_commune, tuple(self.texts.notes))
