"""The figures that everybody may know: counts of offers, and the systems, each in one word (SEC-014)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from gateway.federation.federation import Federation
from gateway.federation.public_offers import agreeing_platforms
from gateway.federation.status import facts_of
from gateway.operate.health import System, systems
from gateway.partners.onboarding import presets
from gateway.runtime.cached import Cached
from gateway.store.public_counts import PublicCounts

_KEPT_MS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicFigures:
    """The counts and the systems at an instant (ms). ``readable``: the number of offers that everybody may read."""

    at: int
    counts: PublicCounts
    readable: int
    systems: Sequence[System]


class Figures:
    """The figures, computed at most every five seconds, once for all who ask."""

    def __init__(self, federation: Federation, *, milliseconds: int = _KEPT_MS) -> None:
        self._federation = federation
        self._kept = Cached(partial(public_figures, federation), milliseconds=milliseconds)

    async def get(self) -> PublicFigures | None:
        """The figures; None while a view is behind, which is not kept."""
        return await self._kept.get() if self._federation.caught_up else None


async def public_figures(federation: Federation) -> PublicFigures:
    """The figures at this moment."""
    live = {one: await federation.offers.count(one) for one in presets() if federation.partners.get(one) is not None}
    known = await facts_of(federation, live=live)
    counts = await federation.offers.public_counts()
    readable = sum((await federation.offers.open_departments(agreeing_platforms(federation))).values())
    return PublicFigures(at=known.now, counts=counts, readable=readable, systems=systems(known, federation.terms))
