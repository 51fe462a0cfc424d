"""What a feed would come to, offline: its items read by a profile, judged and counted, and nothing sent."""

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
from adapters.pull.census import Census, Kind
from gateway.cli.document import unreadable
from gateway.cli.published import published_offer
from gateway.protocol.run import Counts
from schemas import Problem
from schemas.rulebook import Language

_BLOCK = 64 * 1024
_GZIP = b"\x1f\x8b"
_MOST_SHOWN = 3
_MOST_KEPT = 20
"""Some more than are shown: an id that is repeated later takes its first item back."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would be published and refused, the problems in groups and counted by severity, up to three offers as they
    would be published, and why nothing would be (empty for a whole feed).
    """

    counts: Counts
    problems: tuple[Mapping[str, Any], ...]
    severities: Mapping[str, int]
    offers: tuple[Mapping[str, Any], ...] = ()
    unusable: tuple[Problem, ...] = ()

    @property
    def unreadable(self) -> bool:
        """Whether the feed itself cannot be read, whatever the mapping says."""
        return bool(self.unusable) and self.unusable[0].code not in MISFITS


def look_at(blocks: Iterable[bytes], mapping: FeedMapping, *, platform: str, revision: int, on: date) -> Outlook:
    """Read a sample by a mapping."""
    census = Census()
    unusable: tuple[Problem, ...] = ()
    shown: dict[int, Mapping[str, Any]] = {}
    try:
        for item in read(blocks, mapping, platform=platform, on=on):
            match item:
                case OfferItem():
                    _offer(item, census, shown, revision=revision, on=on)
                case BrokenItem():
                    if (retraction := item.retraction) is not None:
                        census.note(str(retraction.position), item.id, [retraction.problem.to_json()])
                    bodies = [one.to_json() for one in item.problems]
                    census.add(str(item.position), item.id, kind="refused", problems=bodies)
                case RepeatedItem():
                    pass
                case PassedItem():
                    census.add_passed()
                case FeedComplete():
                    census.note("", None, [one.to_json() for one in item.problems])
                case FeedUnusable():
                    unusable = item.problems
                    census.note("", None, [one.to_json() for one in item.problems])
        offers = [offer for place, offer in shown.items() if place not in census.dropped][:_MOST_SHOWN]
        counts = replace(census.counts, published=0, warned=0) if unusable else census.counts
        return Outlook(counts, census.problems, census.severities, () if unusable else tuple(offers), unusable)
    finally:
        census.close()


def _offer(item: OfferItem, census: Census, shown: dict[int, Mapping[str, Any]], *, revision: int, on: date) -> None:
    verdict = judge(item, revision=revision, on=on)
    bodies = [one.to_json() for one in verdict.problems]
    kind: Kind = "published" if verdict.accepted else "refused"
    index = census.add(str(item.position), item.id, kind=kind, problems=bodies)
    if index is not None and len(shown) < _MOST_KEPT and verdict.offer is not None and verdict.territory is not None:
        shown[index] = published_offer(verdict.offer, verdict.territory)


def blocks_of(sample: Path, language: Language) -> Iterator[bytes]:
    """The file's content, inflated where it is gzipped, whatever it is called. Raises CommandError."""
    try:
        with sample.open("rb") as plain:
            gzipped = plain.peek(2)[:2] == _GZIP
            with gzip.open(plain) if gzipped else plain as file:
                while block := file.read(_BLOCK):
                    yield block
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(sample, error, language) from error
