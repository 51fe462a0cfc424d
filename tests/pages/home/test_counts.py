"""The public counts of the offer view against a count by hand, under random publications, withdrawals and ends."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.protocol.record import OfferState
from gateway.store import OfferView
from gateway.store.public_counts import PublicCounts
from tests.store.offer_topic import DEPARTMENTS, LOG, PARTITIONS, OfferTopic, offer_of

LEVELS = ("quatrieme", "troisieme", "seconde")
SCHOOL = "0750655E"
NOTHING = PublicCounts(total=0, departments={}, regions={}, sectors={}, levels={}, levels_of_sector={})


def by_hand(states: Iterable[OfferState]) -> PublicCounts:
    """The count that the page promises, offer by offer."""
    total = 0
    departments: Counter[str] = Counter()
    regions: Counter[str] = Counter()
    sectors: Counter[str] = Counter()
    levels: Counter[str] = Counter()
    crossed: Counter[tuple[str, str]] = Counter()
    for state in states:
        offer, territory = state.offer, state.territory
        if offer is None or territory is None:
            continue
        wish = offer.get("redistribution", {})
        if not (wish.get("regions", True) or wish.get("national", True)):
            continue
        if offer.get("restrictions", {}).get("schools"):
            continue
        total += 1
        departments[territory["department"]] += 1
        regions[territory["region"]] += 1
        sectors[offer["sector"]] += 1
        levels.update(offer["levels"])
        crossed.update((offer["sector"], level) for level in offer["levels"])
    return PublicCounts(
        total=total, departments=departments, regions=regions, sectors=sectors, levels=levels, levels_of_sector=crossed
    )


def wishes(chance: Random) -> dict[str, Any]:
    """What an offer may say about who sees it."""
    found: dict[str, Any] = {
        "levels": chance.sample(LEVELS, chance.randint(1, 3)),
        "sector": f"s{chance.randint(1, 6)}",
    }
    if chance.random() < 0.4:
        found["redistribution"] = {
            name: chance.random() < 0.5 for name in ("regions", "national", "mask_employer") if chance.random() < 0.7
        }
    if chance.random() < 0.3:
        found["restrictions"] = chance.choice(
            [{"rep": True}, {"schools": [SCHOOL]}, {"qpv": True, "schools": [SCHOOL]}]
        )
    return found


def step(topic: OfferTopic, chance: Random) -> None:
    """One change of one offer of sixty; now and then offsets are far apart."""
    offer_id = f"{chance.choice(('bretagne', 'national', 'corse'))}:{chance.randrange(20)}"
    gap = chance.choice((0, 0, 0, 70_000, 1 << 32)) if chance.random() < 0.05 else 0
    match chance.choice(("publish", "publish", "publish", "withdraw", "expire", "forget")):
        case "publish":
            department = chance.choice(sorted(DEPARTMENTS))
            topic.publish(offer_of(offer_id, **wishes(chance)), department=department, gap=gap)
        case "withdraw":
            topic.withdraw(offer_id, gap=gap)
        case "expire":
            topic.withdraw(offer_id, "expired", gap=gap)
        case "forget":
            topic.forget(offer_id, gap=gap)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "offers.sqlite"


async def opened(path: Path) -> OfferView:
    view = await OfferView.open(path, log_identity=LOG, partitions=PARTITIONS)
    await view.settle()
    return view


@pytest.mark.parametrize("seed", range(4))
async def test_counts_are_those_of_every_offer_that_everybody_may_see(path: Path, seed: int) -> None:
    chance, topic = Random(seed), OfferTopic()
    view = await opened(path)
    assert NOTHING == await view.public_counts()
    for _ in range(15):
        for _ in range(chance.randint(1, 40)):
            step(topic, chance)
        await view.apply(topic.chunks())
        assert by_hand(topic.states.values()) == await view.public_counts()
    await view.close()
    again = await opened(path)
    assert by_hand(topic.states.values()) == await again.public_counts()
    await again.close()


async def test_a_follower_counts_the_same(path: Path) -> None:
    topic = OfferTopic()
    view = await opened(path)
    topic.publish(offer_of("bretagne:1"))
    topic.publish(offer_of("bretagne:2", restrictions={"schools": [SCHOOL]}))
    await view.apply(topic.chunks())
    follower = await OfferView.follow(path, log_identity=LOG, partitions=PARTITIONS)
    assert by_hand(topic.states.values()) == await follower.public_counts()
    topic.publish(offer_of("bretagne:2"), department="2A")
    await view.apply(topic.chunks())
    assert by_hand(topic.states.values()) == await follower.public_counts()
    await follower.close()
    await view.close()


async def test_an_offer_counts_once_in_the_total_and_in_each_of_its_levels(path: Path) -> None:
    topic = OfferTopic()
    view = await opened(path)
    topic.publish(offer_of("bretagne:1", levels=["troisieme", "seconde"], sector="s3"), department="75")
    await view.apply(topic.chunks())
    expected = PublicCounts(
        total=1,
        departments={"75": 1},
        regions={"11": 1},
        sectors={"s3": 1},
        levels={"troisieme": 1, "seconde": 1},
        levels_of_sector={("s3", "troisieme"): 1, ("s3", "seconde"): 1},
    )
    assert expected == await view.public_counts()
    await view.close()
