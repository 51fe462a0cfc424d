"""Evaluate a sample of a platform's source offline: read its items with a mapping, judge and count them."""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

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
from gateway.cli.document import unreadable
from gateway.cli.published import published_offer
from gateway.protocol.source_run import Counts
from schemas import Problem
from schemas.rulebook import Language

_BLOCK = 64 * 1024
_GZIP = b"\x1f\x8b"
_MOST_OFFERS = 3
_MOST_CANDIDATES = 20
"""More than ``_MOST_OFFERS``: an id that is repeated later retracts its first item."""


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
        previews[index] = published_offer(verdict.offer, verdict.territory)


def blocks_of(sample: Path, language: Language) -> Iterator[bytes]:
    """The content of a file in blocks, inflated if it is gzipped, regardless of its name. Raises CommandError."""
    try:
        with sample.open("rb") as plain:
            gzipped = plain.peek(2)[:2] == _GZIP
            with gzip.open(plain) if gzipped else plain as file:
                while block := file.read(_BLOCK):
                    yield block
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(sample, error, language) from error
