"""What a feed would come to, offline: its items read by a profile, judged and counted, and nothing sent."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from adapters.formats import (
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
from gateway.protocol.run import Counts
from schemas import Problem
from schemas.rulebook import Language

_BLOCK = 64 * 1024
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would be published and refused, the first problems, and why nothing would be (empty for a whole feed)."""

    counts: Counts
    problems: tuple[dict[str, object], ...]
    unusable: tuple[Problem, ...] = ()


def look_at(blocks: Iterable[bytes], mapping: FeedMapping, *, platform: str, revision: int, on: date) -> Outlook:
    """Read a sample by a mapping."""
    census = Census()
    unusable: tuple[Problem, ...] = ()
    try:
        for item in read(blocks, mapping, platform=platform, on=on):
            match item:
                case OfferItem():
                    _offer(item, census, revision=revision, on=on)
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
        return Outlook(census.counts, tuple(dict(one) for one in census.problems), unusable)
    finally:
        census.close()


def _offer(item: OfferItem, census: Census, *, revision: int, on: date) -> None:
    verdict = judge(item, revision=revision, on=on)
    bodies = [one.to_json() for one in verdict.problems]
    kind: Kind = "published" if verdict.accepted else "refused"
    census.add(str(item.position), item.id, kind=kind, problems=bodies)


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
