"""Evaluate a sample of a platform's source offline: read its items with a mapping, judge and count them."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from rich.text import Text

import schemas
from adapters.formats import (
    MISFITS,
    BrokenItem,
    FeedComplete,
    FeedMapping,
    FeedUnusable,
    OfferItem,
    PassedItem,
    RepeatedItem,
    judge,
    read,
)
from adapters.pull.collect import FeedCounts, Kind
from gateway.cli.document import open_inflated, unreadable
from gateway.protocol.source_run import Counts
from schemas import Problem
from schemas.communes import communes_of, plain_name
from schemas.rulebook import Language
from schemas.texts import load_words

_BLOCK = 64 * 1024
_MOST_OFFERS = 3
_MOST_CANDIDATES = 20
"""More than ``_MOST_OFFERS``: an id that is repeated later retracts its first item."""
_LEVELS: Mapping[str, str] = {"quatrieme": "quatrième", "troisieme": "troisième", "seconde": "seconde"}
_HEADS: Mapping[Language, dict[str, str]] = load_words(dict, "gateway", "published")


@dataclass(frozen=True, slots=True)
class SampleEvaluation:
    """Evaluation of a sample: counts of published and refused offers, problems in groups and by severity, and up to
    three offers as published. ``unusable``: the problems that make the whole source unusable, or empty.
    """

    counts: Counts
    problems: tuple[Mapping[str, Any], ...]
    severities: Mapping[str, int]
    offers: tuple[Mapping[str, Any], ...] = ()
    unusable: tuple[Problem, ...] = ()

    @property
    def unreadable(self) -> bool:
        """Whether the source itself cannot be read, with any mapping."""
        return bool(self.unusable) and self.unusable[0].code not in MISFITS


def evaluate_sample(
    blocks: Iterable[bytes], mapping: FeedMapping, *, platform: str, revision: int, on: date
) -> SampleEvaluation:
    """Evaluate a sample with a mapping, judged as on the day ``on``."""
    feed_counts = FeedCounts()
    unusable: tuple[Problem, ...] = ()
    previews: dict[int, Mapping[str, Any]] = {}
    try:
        for item in read(blocks, mapping, platform=platform, on=on):
            match item:
                case OfferItem():
                    _offer(item, feed_counts, previews, revision=revision, on=on)
                case BrokenItem():
                    if (retraction := item.retraction) is not None:
                        feed_counts.note(str(retraction.position), item.id, [retraction.problem.to_json()])
                    bodies = [one.to_json() for one in item.problems]
                    feed_counts.add(str(item.position), item.id, kind="refused", problems=bodies)
                case RepeatedItem():
                    pass
                case PassedItem():
                    feed_counts.add_passed()
                case FeedComplete():
                    feed_counts.note("", None, [one.to_json() for one in item.problems])
                case FeedUnusable():
                    unusable = item.problems
                    feed_counts.note("", None, [one.to_json() for one in item.problems])
        offers = [offer for index, offer in previews.items() if index not in feed_counts.dropped][:_MOST_OFFERS]
        counts = replace(feed_counts.counts, published=0, warned=0) if unusable else feed_counts.counts
        return SampleEvaluation(
            counts, feed_counts.problems, feed_counts.severities, () if unusable else tuple(offers), unusable
        )
    finally:
        feed_counts.close()


def _offer(
    item: OfferItem, feed_counts: FeedCounts, previews: dict[int, Mapping[str, Any]], *, revision: int, on: date
) -> None:
    verdict = judge(item, revision=revision, on=on)
    bodies = [one.to_json() for one in verdict.problems]
    kind: Kind = "published" if verdict.accepted else "refused"
    index = feed_counts.add(str(item.position), item.id, kind=kind, problems=bodies)
    if (
        index is not None
        and len(previews) < _MOST_CANDIDATES
        and verdict.offer is not None
        and verdict.territory is not None
    ):
        previews[index] = _published_offer(verdict.offer, verdict.territory)


def blocks_of(sample: Path, language: Language) -> Iterator[bytes]:
    """The content of a file in blocks, inflated if it is gzipped, regardless of its name. Raises CommandError."""
    try:
        with open_inflated(sample) as file:
            while block := file.read(_BLOCK):
                yield block
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(sample, error, language) from error


def _published_offer(offer: Mapping[str, Any], territory: Mapping[str, Any]) -> dict[str, Any]:
    """The published fields of an accepted offer; ``place`` and ``sector`` by name."""
    location, sector = offer["location"], offer["sector"]
    commune = _commune(location)
    department = _name("departments", territory["department"])
    return {
        "id": offer["id"],
        "title": offer["title"],
        "company": offer["employer"]["name"],
        "place": f"{location['postal_code']} {commune} ({department})",
        "commune": commune,
        "department": department,
        "sector": _name("sectors", sector),
        "sector_code": sector,
        "weeks": list(offer["weeks"]),
        "levels": list(offer["levels"]),
        "apply_url": offer["apply_url"],
    }


def render_offer(offer: Mapping[str, Any], language: Language) -> Text:
    """Render a document of ``_published_offer`` as a block of lines."""
    heads = _HEADS[language]
    values = {
        **offer,
        "sector": f"{offer['sector']} ({offer['sector_code']})",
        "weeks": ", ".join(_week(week) for week in offer["weeks"]),
        "levels": ", ".join(_LEVELS.get(level, level) for level in offer["levels"]),
    }
    width = max(map(len, heads.values()))
    lines = [f"\n  {head:<{width}}  {values[name]}" for name, head in heads.items()]
    return Text.assemble((offer["title"], "bold"), f"  {offer['id']}", *lines)


def _commune(location: Mapping[str, Any]) -> str:
    """The official name of the commune; the offer's city if no commune matches."""
    code, city = location.get("insee_commune"), location["city"]
    for commune in communes_of(location["postal_code"]):
        if commune.code == code or (code is None and plain_name(commune.name) == plain_name(city)):
            return commune.name
    return str(city)


def _name(reference: str, code: str) -> str:
    return next((one["name"] for one in schemas.reference(reference)["items"] if one["code"] == code), code)


def _week(week: str) -> str:
    """A week with its first day: ``2027-W24 (14/06/2027)``."""
    year, _, number = week.partition("-W")
    return f"{week} ({date.fromisocalendar(int(year), int(number), 1):%d/%m/%Y})"
