"""Continuous traffic keeps the federation as it is: simulated for hours, without systems or clocks."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

import pytest

from demo.channel import Batches, Inbox, Pulled, Puts, SnapshotChannel, TrafficPace
from demo.entry import CHANNELS, profile_of
from demo.traffic import Arrivals, OfferAct, Publications, next_act
from gateway.protocol.withdrawal_guard import needs_confirmation

pytestmark = pytest.mark.slow

TODAY = date(2026, 11, 30)
HOUR = 3_600.0


@dataclass(slots=True)
class Simulated:
    """One platform whose traffic runs in computed time; ``usual``: its live offers at the start."""

    publications: Publications
    pace: TrafficPace
    random: Random
    usual: int = 0
    numbers: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)

    def run(self, hours: float, on: date) -> Counter[OfferAct]:
        """Act for some hours; returns the acts."""
        before = dict(self.publications.acts)
        for _ in range(int(hours * HOUR / self.pace.seconds)):
            live = len(self.publications.live)
            step = self.publications.draw(self.random, self.pace.changes, on, usual=self.usual)
            assert not needs_confirmation(len(step.gone), live)
            assert len(step.gone) < live, "the withdrawal guard stops a withdrawal of all"
            self.numbers.append(len(self.publications.live))
            self.refused.append(len(self.publications.corrections))
        return Counter({act: count - before[act] for act, count in self.publications.acts.items()})


def simulated(slug: str, channel: str, *, offers: int) -> Simulated:
    kind, _, form = channel.partition(" ")
    folder = {"kind": "folder", "folder": slug, "pattern": f"*.{form}"}
    profile = profile_of(slug, form, folder if form else {"kind": "native"})
    publications = Publications(profile=profile, arrivals=Arrivals(2027, profile))
    publications.arrive(offers, TODAY)
    pace = {"PUT": Puts.pace, "batch": Batches.pace, "snapshot": SnapshotChannel.pace}.get(kind, Pulled.pace)
    return Simulated(publications, pace, Random(slug), usual=len(publications.live))


def platforms(offers: int) -> Iterator[Simulated]:
    for slug, channel in CHANNELS.items():
        yield simulated(slug, channel, offers=offers)


@pytest.mark.parametrize("offers", [10, 100])
def test_traffic_leaves_every_platform_as_many_offers_as_it_had(offers: int) -> None:
    """Of 90 offers, the fewest of a demo, and of 900; and no withdrawal guard stops a step."""
    for one in platforms(offers):
        acts = one.run(0.5, TODAY)
        name = one.publications.profile.platform
        assert min(acts[act] for act in (OfferAct.ARRIVAL, OfferAct.CHANGE, OfferAct.WITHDRAWAL)) > 10, (name, acts)
        assert 0.6 * one.usual - 2 <= min(one.numbers), name
        assert max(one.numbers) <= 1.4 * one.usual + 2, name
        assert max(one.refused) <= max(6, 0.2 * one.usual), name


@pytest.mark.parametrize("usual", [1, 9, 95, 22_000])
def test_days_of_acts_keep_the_number_of_offers(usual: int) -> None:
    """A hundred thousand acts, one arrival in twenty refused: a Region of any size neither drains nor grows."""
    random = Random(usual)
    live, refused, seen = usual, 0, Counter[OfferAct]()
    for _ in range(100_000):
        act = next_act(random, live=live, refused=refused, usual=usual)
        wrong = act is OfferAct.ARRIVAL and random.random() < 0.05
        refused += wrong - (act is OfferAct.CORRECTION)
        live += (act is OfferAct.ARRIVAL and not wrong) + (act is OfferAct.CORRECTION) - (act is OfferAct.WITHDRAWAL)
        seen[act] += 1
        assert max(1, 0.6 * usual - 2) <= live <= 1.4 * usual + 3
        assert refused <= max(6, 0.2 * usual)
    assert abs(seen[OfferAct.ARRIVAL] - seen[OfferAct.WITHDRAWAL]) < 0.1 * seen[OfferAct.ARRIVAL]
    assert seen[OfferAct.CHANGE] > 20_000


def test_refused_offers_are_corrected_and_accepted() -> None:
    one = simulated("grand-est", "batch", offers=100)
    wrong = set(one.publications.corrections)
    one.run(2, TODAY)
    published = one.publications.documents.keys() | one.publications.withdrawn
    assert one.publications.acts[OfferAct.CORRECTION] > 10
    assert wrong <= published
    assert all(
        one.publications.expected[offer_id] is not None
        for offer_id in wrong - one.publications.withdrawn - one.publications.corrections.keys()
    )


def test_offers_of_the_next_days_have_ids_of_their_own_and_later_weeks() -> None:
    one = simulated("bourgogne-franche-comte", "PUT", offers=100)
    for days in range(1, 20):
        one.run(0.05, TODAY + timedelta(days=days))
    ids = list(one.publications.documents) + list(one.publications.withdrawn)
    assert len(ids) == len(set(ids))
    newest = one.publications.arrive(20, TODAY + timedelta(days=20))
    assert all(document["weeks"][0] > "2026-W51" for document in newest.changed)


def test_the_next_act_returns_to_the_usual_number() -> None:
    """Above it more offers go than come, below it more come; the last one never goes."""
    random = Random(1)
    many, few, last = (
        Counter(next_act(random, live=live, refused=0, usual=100) for _ in range(1_000)) for live in (150, 50, 1)
    )
    assert many[OfferAct.ARRIVAL] == 0 < many[OfferAct.WITHDRAWAL]
    assert few[OfferAct.WITHDRAWAL] == 0 < few[OfferAct.ARRIVAL]
    assert last[OfferAct.WITHDRAWAL] == 0


def test_every_transport_has_a_pace() -> None:
    assert all(channel.pace.changes >= 1 for channel in (Puts, Batches, SnapshotChannel, Inbox, Pulled))
