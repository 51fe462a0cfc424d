"""The census of a feed: each item counted once, repeated ids found, problems grouped. Bounded memory."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from adapters.formats import ProblemGroups
from gateway.protocol.run import Counts

Kind: TypeAlias = Literal["published", "unchanged", "refused"]
_FIND = "SELECT place, kind, warned FROM items WHERE id = ?"
_DEMOTE = "UPDATE items SET kind = 'refused', warned = 0 WHERE id = ?"


class Census:
    """Counts the items of one feed. Close it after use.

    Where an id stands more than once, nobody can say which item is right: all of them are refused, and ``dropped`` has
    the place of the first, in case it was to be published.
    """

    def __init__(self) -> None:
        # The empty name is a temporary file that SQLite spills to and deletes by itself.
        self._db = sqlite3.connect("", check_same_thread=False)
        self._db.execute("CREATE TABLE items (id TEXT PRIMARY KEY, place INTEGER, kind TEXT, warned INTEGER)")
        self._kinds: dict[Kind, int] = {"published": 0, "unchanged": 0, "refused": 0}
        self._warned = 0
        self._groups = ProblemGroups()
        self._passed = 0
        self.unidentified = 0
        self.distinct = 0
        self.dropped: set[int] = set()

    def add(
        self, position: str, offer_id: str | None, *, kind: Kind, problems: Sequence[Mapping[str, Any]]
    ) -> int | None:
        """Count an item. The place of one that is to be published, from 0 on; None for others."""
        warned = kind != "refused" and bool(problems)
        if offer_id is None:
            self.unidentified += 1
            self._count("refused", warned=False)
            self.note(position, offer_id, problems)
            return None
        earlier = self._db.execute(_FIND, (offer_id,)).fetchone()
        if earlier is not None:
            self._repeat(position, offer_id, earlier, problems)
            return None
        place = self.distinct
        self.distinct += 1
        self._db.execute("INSERT INTO items VALUES (?, ?, ?, ?)", (offer_id, place, kind, warned))
        self._count(kind, warned=warned)
        self.note(position, offer_id, problems)
        return place if kind == "published" else None

    def add_passed(self) -> None:
        """Count an item that the mapping leaves out on purpose."""
        self._passed += 1

    def note(self, position: str, offer_id: str | None, problems: Sequence[Mapping[str, Any]]) -> None:
        """Count problems by rule and path; those of the feed as a whole have no position."""
        self._groups.add(position, offer_id, problems)

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
        return (row[0] for row in self._db.execute("SELECT id FROM items"))

    def close(self) -> None:
        """Free the disk."""
        self._db.close()

    def _repeat(self, position: str, offer_id: str, earlier: tuple[int, Kind, int], problems: Sequence[Any]) -> None:
        place, kind, warned = earlier
        if kind != "refused":
            if kind == "published":
                self.dropped.add(place)
            self._kinds[kind] -= 1
            self._warned -= warned
            self._kinds["refused"] += 1
            self._db.execute(_DEMOTE, (offer_id,))
        self._count("refused", warned=False)
        self.note(position, offer_id, problems)

    def _count(self, kind: Kind, *, warned: bool) -> None:
        self._kinds[kind] += 1
        self._warned += warned
