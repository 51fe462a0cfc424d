"""After any events a subscriber of the changes feed has exactly the live offers that it asked for."""

import asyncio
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.protocol import cursor as cursors
from gateway.protocol.cursor import Cursor
from gateway.protocol.identity import platform_of
from gateway.protocol.visibility import (
    Filter,
    Reader,
    ever_shared,
    masked,
    may_read,
)
from gateway.store import OfferView
from tests.store.offer_topic import DEPARTMENTS, LOG, PARTITIONS, OfferTopic, offer_of

pytestmark = pytest.mark.slow

PLATFORMS = ("bretagne", "normandie", "grand-est")
IDS = [f"{platform}:{number}" for platform in PLATFORMS for number in range(4)]
GAPS = st.sampled_from([0, 0, 0, 1, 700, 8_192, 70_000])  # across the steps and chunks of the facet index

offers_ = st.builds(
    offer_of,
    st.sampled_from(IDS),
    levels=st.sampled_from([["seconde"], ["troisieme"], ["quatrieme", "troisieme"]]),
    weeks=st.sampled_from([["2027-W24"], ["2027-W24", "2027-W25"], ["2026-W40"]]),
    sector=st.sampled_from(["s1", "s12"]),
    location=st.sampled_from([{}, {"latitude": 48.1, "longitude": -1.7}, {"latitude": 48.16, "longitude": -1.68}]),
    redistribution=st.fixed_dictionaries(
        {"regions": st.booleans(), "national": st.booleans(), "mask_employer": st.booleans()}
    ),
)
steps = st.one_of(
    st.tuples(
        st.just("publish"), offers_, st.sampled_from(sorted(DEPARTMENTS)), st.sampled_from([(), ("normandie",)]), GAPS
    ),
    st.tuples(st.just("withdraw"), st.sampled_from(IDS), st.sampled_from(["filled", "expired"]), GAPS),
    st.tuples(st.just("apply")),
    st.tuples(st.just("page"), st.integers(1, 7)),
    st.tuples(st.just("restart")),
    st.tuples(st.just("rebuild")),
)
filters = st.builds(
    Filter,
    region=st.frozensets(st.sampled_from(["53", "11"]), max_size=1),
    department=st.frozensets(st.sampled_from(["35", "22"]), max_size=2),
    level=st.frozensets(st.sampled_from(["seconde", "troisieme"]), max_size=1),
    week=st.frozensets(st.sampled_from(["2027-W25", "2026-W40"]), max_size=2),
    sector=st.frozensets(st.sampled_from(["s1"]), max_size=1),
    platform=st.frozensets(st.sampled_from(PLATFORMS), max_size=2),
    bbox=st.sampled_from([None, None, (-1.75, 48.05, -1.69, 48.15), (-60.0, -10.0, 60.0, 60.0)]),
)


@dataclass
class Subscriber:
    """Copies the feed, and checks each change as it comes."""

    offer_topic: OfferTopic
    reader: Reader
    criteria: Filter
    held: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    cursor: Cursor | None = None

    async def page(self, view: OfferView, limit: int) -> bool:
        """Read one page; whether there is more."""
        if self.cursor is None:
            self.cursor = cursors.start(end=view.positions, now=0, criteria=self.criteria, reader=self.reader, log=LOG)
        changes, positions, more = await view.changes(
            self.cursor, reader=self.reader, criteria=self.criteria, limit=limit
        )
        assert len(changes) <= limit
        assert all(a <= b for a, b in zip(self.cursor.positions, positions, strict=True)), "never backwards"
        assert not more or positions != self.cursor.positions, "a page moves on"
        self.cursor = replace(self.cursor, positions=positions)
        for change in changes:
            self._take(change)
        return more

    def _take(self, change: dict[str, Any]) -> None:
        assert change["sequence"] > self.seen.get(change["id"], 0), "FEED-001: each offer's changes in order, once"
        self.seen[change["id"]] = change["sequence"]
        if change["op"] == "upsert":
            self.held[change["id"]] = change["sequence"], change["offer"]
            return
        assert {"op", "id", "sequence", "reason"} == set(change), "FEED-008"
        known = self.offer_topic.states[change["id"]].known
        shared = frozenset({"regions", "national"}) & known.shared
        assert ever_shared(self.reader, shared=shared, never=known.never) or known.sequence > change["sequence"]
        self.held.pop(change["id"], None)

    def owed(self) -> dict[str, Any]:
        """The copy that the subscriber must have in the end, computed without any index."""
        owed = {}
        for state in self.offer_topic.states.values():
            if state.offer is None or not may_read(self.reader, offer=state.offer, provenance=state.known.provenance):
                continue
            publisher = platform_of(state.id)
            visible = masked(state.offer, reader=self.reader, publisher=publisher)
            if self.criteria.matches(offer=visible, territory=state.territory or {}, platform=publisher):
                owed[state.id] = state.known.sequence, visible
        return owed


async def live(folder: Path, reader: Reader, criteria: Filter, history: list[tuple[Any, ...]]) -> None:
    offer_topic = OfferTopic()
    subscriber = Subscriber(offer_topic, reader, criteria)
    view = await open_view(folder)
    for step in history:
        match step:
            case ("publish", offer, department, passed, gap):
                offer_topic.publish(offer, department=department, passed=passed, gap=gap)
            case ("withdraw", offer_id, reason, gap):
                offer_topic.withdraw(offer_id, reason, gap=gap)
            case ("apply",):
                await view.apply(offer_topic.chunks())
            case ("page", limit):
                await subscriber.page(view, limit)
            case ("restart",):
                positions = view.positions
                await view.close()
                view = await open_view(folder)
                assert positions == view.positions
            case ("rebuild",):
                await view.wipe((0,) * PARTITIONS, 0)
                offer_topic.rewind()
    await view.apply(offer_topic.chunks())
    await compare(view, subscriber)
    await view.close()


async def compare(view: OfferView, subscriber: Subscriber) -> None:
    """Compare all answers of the view with the topic itself."""
    reader, criteria, offer_topic = subscriber.reader, subscriber.criteria, subscriber.offer_topic
    for number in range(200):
        if not await subscriber.page(view, number % 3 + 1):
            break
    assert subscriber.owed() == subscriber.held
    assert await listed(view, reader, criteria) == subscriber.owed()
    for platform in PLATFORMS:
        live_ids = {
            state.id for state in offer_topic.states.values() if state.offer and platform_of(state.id) == platform
        }
        assert len(live_ids) == await view.count(platform)
        assert live_ids == {offer_id async for offer_id, _ in view.live_before(platform, (1,) * PARTITIONS)}


async def open_view(folder: Path) -> OfferView:
    return await OfferView.open(folder / "offers.sqlite", log_identity=LOG, partitions=PARTITIONS)


async def listed(view: OfferView, reader: Reader, criteria: Filter) -> dict[str, Any]:
    """All pages of the list."""
    found: dict[str, Any] = {}
    after: str | None = None
    while True:
        states, after = await view.page(reader=reader, criteria=criteria, after=after, limit=2, own=False)
        for state in states:
            assert state.id not in found
            visible = masked(state.offer or {}, reader=reader, publisher=platform_of(state.id))
            found[state.id] = state.known.sequence, visible
        if after is None:
            return found


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    reader=st.sampled_from([Reader("bretagne"), Reader("normandie"), Reader("hauts-de-france"), Reader("national")]),
    criteria=filters,
    history=st.lists(steps, min_size=20, max_size=60),
)
def test_a_subscriber_ends_with_exactly_the_live_offers_it_asked_for(
    reader: Reader, criteria: Filter, history: list[tuple[Any, ...]]
) -> None:
    """FEED-001, FEED-006, FEED-007, FEED-008, FEED-010, RTE-002, RTE-003, RTE-005, RTE-006."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder), reader, criteria, history))
