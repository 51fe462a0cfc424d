"""An offer as other platforms would get it, in words; and where it would go. Pure.

A refused offer is displayed too, as far as its fields are sound: the others are marked as to be corrected.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from gateway.pages.base.wording import LEVELS, PLAIN_FIELDS, day, label_of, name_of, plain_value, span_of_weeks
from gateway.pages.check.port import NationalPart
from gateway.protocol.identity import platform_of
from gateway.protocol.visibility import Reader, audiences, masked
from schemas import Verdict
from schemas.communes import commune_at
from schemas.normal import redacted
from schemas.rulebook import Language
from schemas.schoolyear import monday_of

_WEEK = re.compile(r"[0-9]{4}-W[0-9]{2}")
_ELSEWHERE = Reader("-")
"""A platform that is not the publisher: no slug is a dash."""
State: TypeAlias = Literal["fine", "look", "blocked", "none"]


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One line of the offer: its label, or the key of one, its text, and whether a part of it is to be corrected."""

    label: str
    text: str
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Relayed:
    """The offer in words, and in its canonical form if it is accepted. A title or employer that is wrong is empty."""

    title: str
    employer: str
    locality: str
    description: str
    rows: Sequence[OfferRow]
    canonical: str | None


@dataclass(frozen=True, slots=True)
class NotRelayed:
    """The reason why an offer does not go somewhere, with the rule's code."""

    text: str
    code: str


@dataclass(frozen=True, slots=True)
class Destination:
    """A destination of an offer: ``who`` and ``word`` are keys of texts, ``values`` fill them."""

    who: Literal["own", "regions", "national"]
    state: State
    word: str
    why: str
    values: Mapping[str, str]
    reasons: Sequence[NotRelayed] = ()


def relayed(verdict: Verdict, language: Language) -> Relayed | None:
    """The offer as other platforms get it; None if the document is no offer."""
    if verdict.document is None or verdict.withdrawal is not None or "withdrawn" in verdict.document:
        return None
    canonical: str | None = None
    if verdict.offer is not None:
        offer = masked(verdict.offer, reader=_ELSEWHERE, publisher=platform_of(verdict.offer["id"]))
        canonical = json.dumps(offer, ensure_ascii=False, indent=2)
    else:
        offer = redacted(verdict.document)[0]
    return _FieldReading(offer, verdict, language).relayed(canonical)


class _FieldReading:
    """Reads the fields of an offer that may be malformed."""

    def __init__(self, offer: Mapping[str, Any], verdict: Verdict, language: Language) -> None:
        self._offer = offer
        self._language = language
        self._broken = [problem.pointer for problem in verdict.problems if problem.severity == "error"]

    def relayed(self, canonical: str | None) -> Relayed:
        rows = (
            self._levels(),
            self._weeks(),
            *map(self._field, PLAIN_FIELDS),
            self._address(),
            self._plain("employer", "/employer/description"),
            self._plain("siret", "/employer/siret"),
            self._plain("apply_url", "/apply_url"),
            self._end(),
        )
        employer = self._text("/employer/name")
        if not employer and self._masked():
            employer = "–"
        return Relayed(
            self._text("/title"),
            employer,
            self._locality(),
            self._text("/description"),
            tuple(row for row in rows if row is not None),
            canonical,
        )

    def _masked(self) -> bool:
        wish = self._offer.get("redistribution")
        return isinstance(wish, Mapping) and wish.get("mask_employer") is True

    def _value(self, pointer: str) -> Any:
        value: Any = self._offer
        for name in pointer[1:].split("/"):
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    def _text(self, pointer: str) -> str:
        """The text at a pointer; empty if it is none, or wrong."""
        value = self._value(pointer)
        return value if isinstance(value, str) and not self._is_broken(pointer) else ""

    def _is_broken(self, *pointers: str) -> bool:
        return any(
            wrong == pointer or wrong.startswith(f"{pointer}/") or (wrong and pointer.startswith(f"{wrong}/"))
            for wrong in self._broken
            for pointer in pointers
        )

    def _row(self, label: str, text: str, *pointers: str) -> OfferRow | None:
        broken = self._is_broken(*pointers)
        return OfferRow(label, text, broken) if text or broken else None

    def _plain(self, label: str, pointer: str) -> OfferRow | None:
        value = self._value(pointer)
        sound = isinstance(value, str | int | float) and not isinstance(value, bool) and not self._is_broken(pointer)
        return self._row(label, str(value) if sound else "", pointer)

    def _levels(self) -> OfferRow | None:
        levels = [LEVELS[one] for one in _texts(self._value("/levels")) if one in LEVELS]
        return self._row("levels", ", ".join(levels), "/levels")

    def _weeks(self) -> OfferRow | None:
        weeks = [written for one in _texts(self._value("/weeks")) if (written := week(one, self._language))]
        return self._row("weeks", ", ".join(weeks), "/weeks")

    def _field(self, name: str) -> OfferRow | None:
        text = "" if self._is_broken(f"/{name}") else plain_value(name, self._value(f"/{name}"), self._language)
        return self._row(label_of(name, self._language) or name, text, f"/{name}")

    def _address(self) -> OfferRow | None:
        street, postcode, city = (self._text(f"/location/{name}") for name in ("street", "postal_code", "city"))
        text = ", ".join(filter(None, (street, f"{postcode} {city}".strip())))
        return self._row("address", text, "/location")

    def _end(self) -> OfferRow | None:
        value = self._text("/expires_on")
        try:
            text = day(value, self._language) if value else ""
        except ValueError:
            text = ""
        return self._row("expires_on", text, "/expires_on")

    def _locality(self) -> str:
        """The commune by its official name with the department's number: ``Rennes (35)``."""
        postcode, city = self._text("/location/postal_code"), self._text("/location/city")
        insee = self._value("/location/insee_commune")
        commune = commune_at(postcode, city, insee)
        return city if commune is None else f"{commune.name} ({commune.department})"


def week(text: str, language: Language) -> str:
    """``14 au 18 juin 2027 (S24)``: the school days of an ISO week; empty if it is none."""
    monday = monday_of(text) if _WEEK.fullmatch(text) else None
    return "" if monday is None else span_of_weeks([monday], language)


def published(offer: Mapping[str, Any], language: Language) -> Mapping[str, Any]:
    """An offer of a feed as it would be published, its codes in words."""
    return {
        **offer,
        "levels": [LEVELS[level] for level in offer["levels"]],
        "weeks": [week(one, language) for one in offer["weeks"]],
        "sector": name_of("sectors", offer["sector_code"], language),
    }


def destinations(
    verdict: Verdict, national: Sequence[NationalPart] | None, language: Language
) -> Sequence[Destination]:
    """The destinations of an offer. ``national``: its parts at the national site if it is accepted; else None."""
    offer, document = verdict.offer, verdict.document
    if document is None:
        return ()
    platform = platform_of(verdict.id) if verdict.id else ""
    found = [Destination("own", "none", "already", "own_why", {"platform": platform})] if platform else []
    if offer is None or verdict.territory is None:
        regions = Destination("regions", "none", "later", "once_corrected", {})
        return (*found, regions, _national_later(verdict, language))
    department = verdict.territory["department"]
    values = {"department": name_of("departments", department), "code": department}
    if "regions" in audiences(offer):
        found.append(Destination("regions", "fine", "yes", "regions_why", values))
    else:
        found.append(Destination("regions", "blocked", "no", "regions_not_wanted", {}))
    return (*found, *_national(offer, national or (), language))


def _national_later(verdict: Verdict, language: Language) -> Destination:
    """A refused offer: what would keep it from the site once it is corrected, as far as is known."""
    reasons = _reasons((one.to_json() for one in verdict.problems if one.code.startswith("not-deliverable:")), language)
    if reasons:
        return Destination("national", "blocked", "no", "", {}, reasons)
    return Destination("national", "none", "later", "once_corrected", {})


def _national(offer: Mapping[str, Any], parts: Sequence[NationalPart], language: Language) -> Iterable[Destination]:
    if not parts:
        own = platform_of(offer["id"]) == "national"
        yield Destination("national", "none" if own else "blocked", "already" if own else "no", _NOT_MEANT[own], {})
    for part in parts:
        levels = ", ".join(LEVELS[level] for level in part.levels if level in LEVELS)
        values = {"levels": levels, "day": day(part.until, language) if part.until else ""}
        state, word, why = _STATES[part.state]
        yield Destination("national", state, word, why, values, _reasons(part.reasons, language))


_NOT_MEANT = {True: "national_own", False: "national_not_wanted"}
_STATES: Mapping[str, tuple[State, str, str]] = {
    "ready": ("fine", "yes", "national_ready"),
    "waiting": ("none", "later", "national_waiting"),
    "past": ("blocked", "no", "national_past"),
    "refused": ("blocked", "no", ""),
}


def _reasons(bodies: Iterable[Mapping[str, Any]], language: Language) -> Sequence[NotRelayed]:
    found = {body["code"]: NotRelayed(body["message"][language], body["code"]) for body in bodies}
    return tuple(found.values())


def _texts(value: Any) -> Sequence[str]:
    return [one for one in value[:60] if isinstance(one, str)] if isinstance(value, list) else []
