"""Unknown outcomes: creations without an answer, and remote ids that are taken, resolved by the site's index.

Recent creations are on the first pages. A taken remote id costs a walk through the whole index, so these wait until no
call is due, and are then resolved together.
"""

from collections.abc import Sequence

import structlog

from adapters.national.delivery.outbox import DueCall
from adapters.national.delivery.outcome import as_dead, as_found, as_replaced, as_taken
from adapters.national.delivery.plan import Due
from adapters.national.delivery.unit_of_work import DeliveryStore, UnitOfWork
from adapters.national.site.answer import Missing, Outcome
from adapters.national.site.client import HttpSite
from adapters.national.site.index_walk import Walker
from adapters.national.site.timing import Timing
from gateway.protocol.delivery import DeliveryPart

LOST_ANSWER, NAME_TAKEN = "look", "name"
"""Reasons to set a part aside: a creation without an answer; a remote id that the site reports as taken."""

LATE_MS = 180_000
"""Maximum time that a call without an answer may take to reach the site, in milliseconds."""

_PER_PAGE = 30
_LOOK_UPS = 200
_NAMES = 500
_WALKS = 3
"""Walks in a row that the index may change during, before taken remote ids that it does not list are deleted."""
_REST_SECONDS = 10.0

_log = structlog.get_logger()


class UnknownOutcomes:
    """Resolves the parts of one account that were set aside."""

    def __init__(self, store: DeliveryStore, site: HttpSite, timing: Timing) -> None:
        self._store = store
        self._sleep = timing.sleep
        self._walker = Walker(site.index, timing)
        self._walks = 0
        self._missing_since: dict[str, int] = {}

    def may_still_arrive(self, due: Due, outcome: Outcome, now: int) -> bool:
        """Whether a creation of unknown outcome may reach the site after this deletion found nothing: until another
        deletion, ``LATE_MS`` later, finds nothing either.
        """
        if due.call != "delete" or due.part.sequence is not None or not isinstance(outcome, Missing):
            return False
        name = due.part.remote_id or ""
        if now - self._missing_since.setdefault(name, now) < LATE_MS:
            return True
        del self._missing_since[name]
        return False

    async def resolve(self, *, idle: bool) -> bool:
        """Resolve some; returns whether there were any. Taken remote ids only when ``idle``. Raises SiteError."""
        look_ups = self._store.outbox.set_aside_for(LOST_ANSWER, limit=_LOOK_UPS)
        names = self._store.outbox.set_aside_for(NAME_TAKEN, limit=_NAMES) if idle and not look_ups else ()
        if look_ups:
            await self._look_up(look_ups)
        elif names:
            await self._find_names(names)
        return bool(look_ups or names)

    async def _look_up(self, entries: Sequence[DueCall]) -> None:
        """Look up creations without an answer on the first pages of the index. A missing one is created again after
        ``LATE_MS``; if the first call still arrives after the look-up, the remote id is then taken.
        """
        wanted = self._names(entries)
        walk = await self._walker.all(until=lambda walk: walk.names >= wanted, most=len(entries) // _PER_PAGE + 2)
        async with self._store.unit_of_work() as unit:
            for entry, part in self._with_parts(entries):
                if part.remote_id is not None and part.remote_id not in walk.names:
                    self._store.outbox.set_missing(entry.id, entry.group, until=unit.now + LATE_MS)
                else:
                    self._clear(unit, entry, as_found(part, now=unit.now))

    async def _find_names(self, entries: Sequence[DueCall]) -> None:
        """Look up taken remote ids: a listed offer is sent again; one that a complete index does not list is dead.

        An index that stays incomplete, for an unreadable item or for changes during ``_WALKS`` walks, cannot prove
        either. A deletion can: it leaves nothing under the remote id, and the offer takes the next generation.
        """
        walk = await self._walker.all()
        self._walks = self._walks + 1 if walk.moved else _WALKS
        undecided = not walk.complete and self._walks < _WALKS
        async with self._store.unit_of_work() as unit:
            for entry, part in self._with_parts(entries):
                if part.remote_id in walk.names:
                    self._clear(unit, entry, as_taken(part))
                elif not undecided:
                    fresh = as_dead(part, unit.now) if walk.complete else as_replaced(part, unit.now)
                    _log.info(
                        "national.remote_id_given_up", offer=entry.id, remote_id=part.remote_id, state=fresh.state
                    )
                    self._clear(unit, entry, fresh)
        if undecided:
            _log.warning("national.index_moved", account=self._store.route.account, total=walk.total)
            await self._sleep(_REST_SECONDS)
        else:
            self._walks = 0

    def _names(self, entries: Sequence[DueCall]) -> set[str]:
        return {part.remote_id for _, part in self._with_parts(entries) if part.remote_id is not None}

    def _with_parts(self, entries: Sequence[DueCall]) -> list[tuple[DueCall, DeliveryPart]]:
        """The entries, each with its part."""
        deliveries = ((entry, self._store.outbox.delivery(entry.id)) for entry in entries)
        parts = ((entry, delivery.part(entry.group)) for entry, delivery in deliveries if delivery is not None)
        return [(entry, part) for entry, part in parts if part is not None]

    def _clear(self, unit: UnitOfWork, entry: DueCall, part: DeliveryPart) -> None:
        self._store.outbox.set_aside(entry.id, entry.group, "")
        unit.put_part(entry.id, part)
