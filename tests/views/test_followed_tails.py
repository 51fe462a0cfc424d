"""The tails that a follower keeps up are those that it would read anew, and those of the process that it follows."""

import random
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.views import FollowedOffers, OfferView
from gateway.views.facet_index import STEP, Tail
from gateway.views.place import offset_at, partition_at
from gateway.views.twin_index import places_in
from tests.views.world import LOG, PARTITIONS, World, offer_of


class Living(NamedTuple):
    """What of a tail counts: what lives."""

    base: int
    live: int
    bits: dict[str, int]
    twins: dict[int, set[int]]


@pytest.fixture
async def followed(offers: OfferView, tmp_path: Path) -> AsyncIterator[FollowedOffers]:
    assert offers.positions == (0,) * PARTITIONS
    view = await FollowedOffers.open(tmp_path / "offers.sqlite", log_identity=LOG, partitions=PARTITIONS)
    yield view
    await view.close()


async def kept(view: OfferView) -> Sequence[Living]:
    """The tails as a question finds them; only the bits of offers that live count."""
    tails: Sequence[Tail] = await view._ask(lambda sight: [sight.tails[p] for p in range(PARTITIONS)])
    return [_living(tail) for tail in tails]


def _living(tail: Tail) -> Living:
    bits = {facet: bits & tail.live for facet, bits in tail.bits.items()}
    twins = {key: {place for place in places_in(places) if tail.lives(place)} for key, places in tail.twins.items()}
    return Living(
        tail.base,
        tail.live,
        {facet: some for facet, some in bits.items() if some},
        {key: some for key, some in twins.items() if some},
    )


async def read_anew(path: Path) -> Sequence[Living]:
    """The same for a follower that has only just begun."""
    fresh = await FollowedOffers.open(path, log_identity=LOG, partitions=PARTITIONS)
    try:
        return await kept(fresh)
    finally:
        await fresh.close()


def living(path: Path, bases: Sequence[int]) -> list[int]:
    """Which offers from each base on live, as the rows themselves say."""
    live = [0] * PARTITIONS
    with sqlite3.connect(path) as db:
        for (place,) in db.execute("SELECT place FROM offers WHERE audiences IS NOT NULL"):
            partition, offset = partition_at(place), offset_at(place)
            if offset >= bases[partition]:
                live[partition] |= 1 << offset - bases[partition]
    return live


@pytest.mark.parametrize("seed", range(3))
async def test_followed_tails_are_those_read_anew_and_those_of_the_keeper(
    offers: OfferView, followed: FollowedOffers, world: World, tmp_path: Path, seed: int
) -> None:
    """Over publications, withdrawals, retractions, gaps that move the tails, wipes, and steps that nobody looks at."""
    path, chance = tmp_path / "offers.sqlite", random.Random(seed)
    sealed = False
    for step in range(40):
        for _ in range(chance.randrange(30)):
            offer_id = f"{chance.choice(('bretagne', 'normandie'))}:{chance.randrange(60)}"
            what, gap = chance.random(), chance.choice((0, 0, 0, 1, 90))
            if what < 0.2:
                world.withdraw(offer_id, gap=gap)
            elif what < 0.3:
                world.forget(offer_id, gap=gap)
            else:
                world.publish(offer_of(offer_id), department=chance.choice(("35", "75")), gap=gap)
        if chance.random() < 0.1:
            world.publish(offer_of("bretagne:far"), gap=chance.randrange(2 * STEP))
        if chance.random() < 0.08:
            world.rewind()
            await offers.wipe((0,) * PARTITIONS, now=step)
        await offers.apply(world.chunks())
        if chance.random() < 0.7:
            tails = await kept(followed)
            assert tails == await kept(offers) == await read_anew(path)
            assert [tail.live for tail in tails] == living(path, [tail.base for tail in tails])
            sealed = sealed or any(tail.base for tail in tails)
    assert sealed, "no tail has moved"


async def test_a_follower_that_finds_the_file_unchanged_reads_nothing_of_it(
    offers: OfferView, followed: FollowedOffers, world: World
) -> None:
    world.publish(offer_of("bretagne:1"))
    await offers.apply(world.chunks())
    assert 1 == await followed.count("bretagne")
    statements: list[str] = []
    followed._reading.set_trace_callback(statements.append)
    assert [1, 1] == [await followed.count("bretagne"), await followed.count("bretagne")]
    assert not [statement for statement in statements if "tails" in statement or "meta" in statement]
    world.withdraw("bretagne:1")
    await offers.apply(world.chunks())
    assert 0 == await followed.count("bretagne")
