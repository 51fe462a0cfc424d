"""Doubts: creations without an answer, and remote ids that are taken, resolved by the site's index.

What was made lately stands on the first pages. A taken name costs a walk through the whole index, so those wait until
nothing else is to do, and are then resolved together.
"""

from collections.abc import Sequence

import structlog

from adapters.national.delivery.outbox import Entry
from adapters.national.delivery.outcome import dead, found, occupied
from adapters.national.delivery.unit_of_work import Ledger, Turn
from adapters.national.site.index_walk import Walker
from adapters.national.site.retry import Timing
from adapters.national.site.site import Site
from gateway.protocol.delivery import Part

LOOK, NAME = "look", "name"
"""A creation that had no answer; a remote id that the site says is taken."""

LATE_MS = 180_000
"""How long a call that had no answer may still be on its way to the site."""

_PER_PAGE = 30
_LOOKS = 200
_NAMES = 500
_REST_SECONDS = 10.0

_log = structlog.get_logger()


class Doubts:
    """The parts of one account that were set aside."""

    def __init__(self, ledger: Ledger, site: Site, timing: Timing) -> None:
        self._ledger = ledger
        self._sleep = timing.sleep
        self._walker = Walker(site.index, timing)

    async def resolve(self, *, idle: bool) -> bool:
        """Resolve some; whether there were any. Taken names only when there is time. Raises SiteError."""
        looks = self._ledger.outbox.doubted(LOOK, limit=_LOOKS)
        names = self._ledger.outbox.doubted(NAME, limit=_NAMES) if idle and not looks else ()
        if looks:
            await self._look(looks)
        elif names:
            await self._find_names(names)
        return bool(looks or names)

    async def _look(self, entries: Sequence[Entry]) -> None:
        """Creations without an answer: found on the first pages of the index, or created again once the first can no
        longer arrive. One that arrived after the look is a taken name then.
        """
        wanted = self._names(entries)
        walk = await self._walker.all(until=lambda walk: walk.names >= wanted, most=len(entries) // _PER_PAGE + 2)
        async with self._ledger.turn() as turn:
            for entry, part in self._doubtful(entries):
                if part.remote_id is not None and part.remote_id not in walk.names:
                    self._ledger.outbox.miss(entry.id, entry.group, until=turn.now + LATE_MS)
                else:
                    self._clear(turn, entry, found(part, now=turn.now))

    async def _find_names(self, entries: Sequence[Entry]) -> None:
        """Remote ids that are taken: by an offer that lives, which is then sent anew, or by one that is dead."""
        walk = await self._walker.all()
        async with self._ledger.turn() as turn:
            for entry, part in self._doubtful(entries):
                if part.remote_id in walk.names:
                    self._clear(turn, entry, occupied(part))
                elif walk.complete:
                    _log.info("national.remote_id_dead", offer=entry.id, remote_id=part.remote_id)
                    self._clear(turn, entry, dead(part, turn.now))
        if not walk.complete:
            _log.warning("national.index_moved", account=self._ledger.route.account, total=walk.total)
            await self._sleep(_REST_SECONDS)

    def _names(self, entries: Sequence[Entry]) -> set[str]:
        return {part.remote_id for _, part in self._doubtful(entries) if part.remote_id is not None}

    def _doubtful(self, entries: Sequence[Entry]) -> list[tuple[Entry, Part]]:
        """The entries with the part that is in doubt."""
        deliveries = ((entry, self._ledger.outbox.delivery(entry.id)) for entry in entries)
        parts = ((entry, delivery.part(entry.group)) for entry, delivery in deliveries if delivery is not None)
        return [(entry, part) for entry, part in parts if part is not None]

    def _clear(self, turn: Turn, entry: Entry, part: Part) -> None:
        self._ledger.outbox.doubt(entry.id, entry.group, "")
        turn.put_part(entry.id, part)
