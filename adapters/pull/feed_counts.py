"""Counts of one feed by outcome, and its problems in groups."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

from adapters.formats.problem import MAX_EXAMPLES, ProblemGroups
from gateway.protocol.source_run import Counts
from gateway.runtime.id_set import IdSet

Kind: TypeAlias = Literal["published", "unchanged", "refused"]
_STATES: tuple[tuple[Kind, bool], ...] = tuple((kind, warned) for kind in get_args(Kind) for warned in (False, True))


class FeedCounts:
    """Counts of one feed. Close it after use. ``in_memory``: its ids are never written to the disk. ``examples``: the
    most of a group of problems.

    Several items with one id are all refused, since none of them is known to be right; ``dropped`` holds the number of
    the first if it was to be published.
    """

    def __init__(self, *, in_memory: bool = False, examples: int = MAX_EXAMPLES) -> None:
        self._ids = IdSet(in_memory=in_memory)
        self._states = bytearray()
        """The index in ``_STATES`` of each id, by number."""
        self._kinds: dict[Kind, int] = {"published": 0, "unchanged": 0, "refused": 0}
        self._warned = 0
        self._groups = ProblemGroups(examples=examples)
        self._passed = 0
        self.unidentified = 0
        self.dropped: set[int] = set()

    def add(
        self, position: str, offer_id: str | None, *, kind: Kind, problems: Sequence[Mapping[str, Any]]
    ) -> int | None:
        """Count an item; return the number, from 0, of an item to be published, None for others.

        Raises LogUnavailableError when the disk is full.
        """
        warned = kind != "refused" and bool(problems)
        if offer_id is None:
            self.unidentified += 1
            self._count("refused", warned=False)
            self.note(position, offer_id, problems)
            return None
        earlier = self._ids.number(offer_id)
        if earlier is not None:
            self._repeat(position, offer_id, earlier, problems)
            return None
        number = self.distinct
        self._ids.add(offer_id)
        self._states.append(_STATES.index((kind, warned)))
        self._count(kind, warned=warned)
        self.note(position, offer_id, problems)
        return number if kind == "published" else None

    def add_passed(self) -> None:
        """Count an item excluded by the mapping's conditions."""
        self._passed += 1

    def note(self, position: str, offer_id: str | None, problems: Sequence[Mapping[str, Any]]) -> None:
        """Count problems by rule and path; problems of the feed as a whole have an empty position."""
        self._groups.add(position, offer_id, problems)

    @property
    def distinct(self) -> int:
        """The number of distinct ids."""
        return len(self._ids)

    @property
    def counts(self) -> Counts:
        """The counts so far."""
        kinds = self._kinds
        return Counts(
            items=sum(kinds.values()) + self._passed,
            published=kinds["published"],
            unchanged=kinds["unchanged"],
            refused=kinds["refused"],
            passed=self._passed,
            warned=self._warned,
        )

    @property
    def problems(self) -> tuple[Mapping[str, Any], ...]:
        """The groups of problems, those of the feed as a whole first, errors before warnings."""
        return self._groups.to_json()

    @property
    def severities(self) -> Mapping[str, int]:
        """The number of problems by severity."""
        return self._groups.counts

    def ids(self) -> Iterator[str]:
        """Every id once, including those of refused items."""
        return iter(self._ids)

    def __contains__(self, offer_id: str) -> bool:
        """Whether the feed has the id."""
        return offer_id in self._ids

    def close(self) -> None:
        """Delete the ids."""
        self._ids.close()

    def _repeat(self, position: str, offer_id: str, number: int, problems: Sequence[Mapping[str, Any]]) -> None:
        kind, warned = _STATES[self._states[number]]
        if kind != "refused":
            if kind == "published":
                self.dropped.add(number)
            self._kinds[kind] -= 1
            self._warned -= warned
            self._kinds["refused"] += 1
            self._states[number] = _STATES.index(("refused", False))
        self._count("refused", warned=False)
        self.note(position, offer_id, problems)

    def _count(self, kind: Kind, *, warned: bool) -> None:
        self._kinds[kind] += 1
        self._warned += warned
