"""Maps offers created at the national site to shared offers of the platform ``national``. Pure.

Fields that the site does not show are left out: seats, hours, reserved schools. Optional fields that the federation
refuses (a web site without https, a text that is too long) are left out too, instead of refusing the whole offer. So
are weeks: the site lists those of two school years, the federation takes 60 weeks of the next 400 days.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson

import schemas
from adapters.national.mapping.week import year_in_force
from adapters.national.site.reading import Listed
from gateway.protocol.identity import NATIONAL
from schemas import Verdict
from schemas.rules.week import MAX_DAYS_AHEAD
from schemas.schoolyear import june_year, monday_of

_LAST_SPRING_WEEK = 26
"""The last week of June in most years, for a school year that is not on file."""
_OPTIONAL = (
    ("employer", ("description",)),
    ("employer", ("website",)),
    ("location", ("street",)),
    ("location", ("latitude", "longitude")),
)
"""Optional members with their parent; a position is left out as a whole."""
_TO_SUNDAY = 6


def offer_id(number: int) -> str:
    """The offer id in the federation for the site's own number."""
    return f"{NATIONAL}:{number}"


def document(listed: Listed, *, public_url: str) -> dict[str, Any]:
    """The offer document, as a publisher would send it, without revision."""
    restrictions = {name: True for name in ("rep", "qpv") if getattr(listed, name)}
    return _without_blanks(
        {
            "id": offer_id(listed.number),
            "title": _line(listed.title),
            "description": _text(listed.description),
            "employer": {
                "name": _line(listed.employer_name),
                "description": _text(listed.employer_description),
                "website": listed.employer_website,
                "public": listed.is_public,
            },
            "location": {
                "street": _line(listed.street),
                "postal_code": listed.zipcode,
                "city": _line(listed.city),
                "latitude": listed.latitude,
                "longitude": listed.longitude,
            },
            "levels": list(listed.levels),
            "weeks": list(listed.weeks),
            "sector": listed.sector,
            "accessibility": "yes" if listed.accessible else None,
            "restrictions": restrictions,
            "apply_url": listed.permalink or public_url + urlsplit(listed.url).path,
        }
    )


def judge(offer: Mapping[str, Any], *, revision: int, on: date) -> Verdict:
    """The verdict on an offer, without the weeks and optional fields that would get it refused."""
    verdict = _check(offer, revision, on)
    for first, last in ((date.min, on + timedelta(days=MAX_DAYS_AHEAD)), (on, date.max)):
        if _is_blamed(verdict, "/weeks"):
            offer = {**offer, "weeks": _weeks_between(offer.get("weeks", ()), first, last)}
            verdict = _check(offer, revision, on)
    for group, names in _OPTIONAL:
        members = offer.get(group, {})
        if any(name in members and _is_blamed(verdict, f"/{group}/{name}") for name in names) or (
            len(names) > 1 and _is_blamed(verdict, f"/{group}")
        ):
            offer = {**offer, group: {key: value for key, value in members.items() if key not in names}}
            verdict = _check(offer, revision, on)
    return verdict


def is_out_of_season(weeks: Iterable[str], *, on: date, last_season: int | None = None) -> bool:
    """Whether search hides an existing offer because all its weeks are in autumn. Weeks of the first half of a year
    end with the mandatory weeks of the school year in force. ``last_season`` is the season, the year of its June, in
    which search last listed the offer with these weeks: the same season does not hide it.
    """
    if last_season == june_year(on):
        return False
    year = year_in_force(on)
    last = max(map(_number, year.weeks)) if year is not None else _LAST_SPRING_WEEK
    return not any(_number(week) <= last for week in weeks)


def _number(week: str) -> int:
    return int(week.rpartition("W")[2])


def _check(offer: Mapping[str, Any], revision: int, on: date) -> Verdict:
    return schemas.check(orjson.dumps({**offer, "revision": revision}), on=on)


def _is_blamed(verdict: Verdict, pointer: str) -> bool:
    return any(one.severity == "error" and one.pointer == pointer for one in verdict.problems)


def _weeks_between(weeks: Iterable[str], first: date, last: date) -> list[str]:
    """Those weeks whose Sunday is neither before the first day nor after the last one."""
    mondays = ((week, monday_of(week)) for week in weeks)
    sundays = ((week, monday.toordinal() + _TO_SUNDAY) for week, monday in mondays if monday is not None)
    return [week for week, sunday in sundays if first.toordinal() <= sunday <= last.toordinal()]


def _without_blanks(value: dict[str, Any]) -> dict[str, Any]:
    inner = {key: _without_blanks(one) if isinstance(one, dict) else one for key, one in value.items()}
    return {key: one for key, one in inner.items() if one not in (None, "", {}, [])}


def _text(value: str | None) -> str | None:
    """Normalised, with plain line feeds and without other control characters."""
    if value is None:
        return None
    lines = unicodedata.normalize("NFC", value).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(sign for sign in lines if sign == "\n" or sign.isprintable() or sign == "\u00a0").strip()


def _line(value: str | None) -> str | None:
    text = _text(value)
    return None if text is None else " ".join(text.split())
