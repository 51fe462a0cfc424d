"""The census of a feed: each item counted once, repeated ids found, problems grouped. Bounded memory."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

from adapters.formats import ProblemGroups
from gateway.protocol.run import Counts
from gateway.runtime.id_set import IdSet

Kind: TypeAlias = Literal["published", "unchanged", "refused"]
_STATES: tuple[tuple[Kind, bool], ...] = tuple((kind, warned) for kind in get_args(Kind) for warned in (False, True))


class Census:
    """Counts the items of one feed. Close it after use.

    Where several items have one id, all of them are refused, since none is known to be the right one; ``dropped`` has
    the number of the first, in case it was to be published.
    """

    def __init__(self) -> None:
        self._ids = IdSet()
        self._states = bytearray()
        """By the number of an id, the index of its kind and warning in ``_STATES``."""
        self._kinds: dict[Kind, int] = {"published": 0, "unchanged": 0, "refused": 0}
        self._warned = 0
        self._groups = ProblemGroups()
        self._passed = 0
        self.unidentified = 0
        self.dropped: set[int] = set()

    def add(
        self, position: str, offer_id: str | None, *, kind: Kind, problems: Sequence[Mapping[str, Any]]
    ) -> int | None:
        """Count an item. The number of one that is to be published, from 0 on; None for others. Raises
        LogUnavailableError when the disk is full.
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
        """Count an item that the mapping leaves out on purpose."""
        self._passed += 1

    def note(self, position: str, offer_id: str | None, problems: Sequence[Mapping[str, Any]]) -> None:
        """Count problems by rule and path; those of the feed as a whole have no position."""
        self._groups.add(position, offer_id, problems)

    @property
    def distinct(self) -> int:
        """How many ids there are."""
        return len(self._ids)

    @property
    def counts(self) -> Counts:
        """What was counted so far."""
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
        """How many problems there are, by severity."""
        return self._groups.counts

    def ids(self) -> Iterator[str]:
        """Every id, refused items included, each once."""
        return iter(self._ids)

    def close(self) -> None:
        """Free the disk."""
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
