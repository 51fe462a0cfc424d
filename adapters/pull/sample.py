"""Evaluate a sample of a platform's source offline: read its items with a mapping, judge and count them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import schemas
from adapters.formats.item import (
    BrokenItem,
    FeedComplete,
    FeedUnusable,
    Item,
    OfferItem,
    PassedItem,
    RepeatedItem,
    judge,
)
from adapters.formats.mapping import FeedMapping
from adapters.formats.reading import MISFITS, read
from adapters.pull.feed_counts import FeedCounts, Kind
from gateway.protocol.source_run import Counts
from schemas import Problem
from schemas.communes import commune_at
from schemas.offer_field import further_fields

_MAX_OFFERS = 3
_MAX_HOSTS = 20
_MAX_CANDIDATES = 20
"""More than ``_MAX_OFFERS``: an id that is repeated later retracts its first item."""


@dataclass(frozen=True, slots=True)
class SampleEvaluation:
    """Evaluation of a sample: counts of published and refused offers, problems in groups and by severity, and up to
    three offers as published. ``unusable``: the problems that make the whole source unusable, or empty;
    ``departments`` and ``hosts``: of the accepted offers and their links, twenty hosts at most.
    """

    counts: Counts
    problems: tuple[Mapping[str, Any], ...]
    severities: Mapping[str, int]
    offers: tuple[Mapping[str, Any], ...] = ()
    unusable: tuple[Problem, ...] = ()
    whole: bool = True
    departments: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()

    @property
    def unreadable(self) -> bool:
        """Whether the source itself cannot be read, with any mapping."""
        return bool(self.unusable) and self.unusable[0].code not in MISFITS


def evaluate_sample(
    blocks: Iterable[bytes],
    mapping: FeedMapping,
    *,
    platform: str,
    revision: int,
    on: date,
    activations: schemas.Activations = schemas.NOT_ACTIVATED,
    in_memory: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> SampleEvaluation:
    """Evaluate a sample with a mapping, judged as on the day ``on`` under these activations. ``in_memory``: nothing of
    it goes to the disk. ``stop`` is called between items: a sample that is not read to its end is not ``whole``.
    """
    items = read(blocks, mapping, platform=platform, on=on)
    return evaluate_items(items, revision=revision, on=on, activations=activations, in_memory=in_memory, stop=stop)


def evaluate_items(
    items: Iterable[Item],
    *,
    revision: int,
    on: date,
    activations: schemas.Activations = schemas.NOT_ACTIVATED,
    in_memory: bool = False,
    stop: Callable[[], bool] = lambda: False,
    examples: int = _MAX_OFFERS,
) -> SampleEvaluation:
    """Evaluate the items of a source, as ``evaluate_sample``, with up to ``examples`` offers and items of a problem."""
    feed_counts = FeedCounts(in_memory=in_memory, examples=examples)
    unusable: tuple[Problem, ...] = ()
    previews: dict[int, Mapping[str, Any]] = {}
    territory, whole = _FoundTerritory(), False
    try:
        for item in items:
            match item:
                case OfferItem():
                    verdict = judge(item, revision=revision, on=on, activations=activations)
                    _offer(item, verdict, feed_counts, previews)
                    territory.note(verdict)
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
            whole = isinstance(item, FeedComplete | FeedUnusable)
            if not whole and stop():
                break
        offers = [offer for index, offer in previews.items() if index not in feed_counts.dropped][:examples]
        counts = replace(feed_counts.counts, published=0, warned=0) if unusable else feed_counts.counts
        listed = () if unusable else tuple(offers)
        return SampleEvaluation(
            counts,
            feed_counts.problems,
            feed_counts.severities,
            listed,
            unusable,
            whole=whole,
            departments=frozenset(territory.departments),
            hosts=frozenset(territory.hosts),
        )
    finally:
        feed_counts.close()


class _FoundTerritory:
    """The departments of accepted offers, and the hosts of their links."""

    def __init__(self) -> None:
        self.departments: set[str] = set()
        self.hosts: set[str] = set()

    def note(self, verdict: schemas.Verdict) -> None:
        if verdict.accepted and verdict.offer is not None and verdict.territory is not None:
            self.departments.add(verdict.territory["department"])
            if len(self.hosts) < _MAX_HOSTS:
                self.hosts.add((urlsplit(verdict.offer["apply_url"]).hostname or "").removeprefix("www."))


def _offer(
    item: OfferItem, verdict: schemas.Verdict, feed_counts: FeedCounts, previews: dict[int, Mapping[str, Any]]
) -> None:
    bodies = [one.to_json() for one in verdict.problems]
    kind: Kind = "published" if verdict.accepted else "refused"
    index = feed_counts.add(str(item.position), item.id, kind=kind, problems=bodies)
    if (
        index is not None
        and len(previews) < _MAX_CANDIDATES
        and verdict.offer is not None
        and verdict.territory is not None
    ):
        previews[index] = _published_offer(verdict.offer, verdict.territory)


def _published_offer(offer: Mapping[str, Any], territory: Mapping[str, Any]) -> dict[str, Any]:
    """The published fields of an accepted offer; ``place`` and ``sector`` by name, further plain ones as they are."""
    location, sector = offer["location"], offer["sector"]
    known = commune_at(location["postal_code"], location["city"], location.get("insee_commune"))
    commune = location["city"] if known is None else known.name
    department = _name("departments", territory["department"])
    return {
        **{name: offer[name] for name in further_fields(schemas.schema("offer")) if name in offer},
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


def _name(reference: str, code: str) -> str:
    return next((one["name"] for one in schemas.reference(reference)["items"] if one["code"] == code), code)
