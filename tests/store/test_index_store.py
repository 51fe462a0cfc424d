"""The index that a follower updates equals the one that a new follower reads, and that of the updating process."""

import random
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.store import OfferView
from gateway.store.search.index_store import PERIOD, Index
from gateway.store.search.search_index import SEGMENT_BITS
from tests.store.offer_topic import LOG, PARTITIONS, OfferTopic, offer_of

Found = tuple[set[int], Mapping[str, set[int]], set[tuple[int, int]]]


async def held(view: OfferView) -> tuple[set[int], Mapping[str, set[int]]]:
    """The log offsets of live offers, and those of each facet."""
    index: Index = await view._ask(lambda ask: ask.search_index)
    live: set[int] = set()
    facets: dict[str, set[int]] = {}
    for number, segment in index.segments.items():
        base = number << SEGMENT_BITS
        live |= {base + offset for offset in segment.live}
        for facet, offsets in segment.postings.items():
            found = {base + offset for offset in offsets & segment.live}
            if found:
                facets[facet] = facets.get(facet, set()) | found
    return live, facets


async def read_again(path: Path) -> tuple[set[int], Mapping[str, set[int]]]:
    """The same for a follower that begins now."""
    fresh = await OfferView.follow(path, log_identity=LOG, partitions=PARTITIONS)
    try:
        return await held(fresh)
    finally:
        await fresh.close()


def living(path: Path) -> set[int]:
    """The log offsets of live offers, as the rows say."""
    with sqlite3.connect(path) as db:
        return {log_offset for (log_offset,) in db.execute("SELECT log_offset FROM offers WHERE audiences IS NOT NULL")}


@pytest.mark.parametrize("seed", range(3))
async def test_a_followed_index_is_the_one_read_again_and_the_writers(
    offers: OfferView, followed: OfferView, offer_topic: OfferTopic, tmp_path: Path, seed: int
) -> None:
    """Over publications, withdrawals, tombstones, gaps, folds, wipes, and steps that the follower does not read."""
    path, chance, folds = tmp_path / "offers.sqlite", random.Random(seed), 0
    for step in range(40):
        for _ in range(chance.randrange(30)):
            offer_id = f"{chance.choice(('bretagne', 'normandie'))}:{chance.randrange(60)}"
            what, gap = chance.random(), chance.choice((0, 0, 0, 1, 90, 70_000))
            if what < 0.2:
                offer_topic.withdraw(offer_id, gap=gap)
            elif what < 0.3:
                offer_topic.forget(offer_id, gap=gap)
            else:
                offer_topic.publish(offer_of(offer_id), department=chance.choice(("35", "75")), gap=gap)
        if chance.random() < 0.15:  # a period ends with the next step
            assert offers._index is not None
            offers._index._recent.size = PERIOD
            folds += 1
        if chance.random() < 0.08:
            offer_topic.rewind()
            await offers.wipe((0,) * PARTITIONS, now=step)
        await offers.apply(offer_topic.chunks())
        if chance.random() < 0.7:
            index = await held(followed)
            assert index == await held(offers) == await read_again(path)
            assert living(path) == index[0]
    assert folds, "no period has ended"


async def test_a_follower_that_finds_the_file_unchanged_reads_nothing_of_it(
    offers: OfferView, followed: OfferView, offer_topic: OfferTopic
) -> None:
    offer_topic.publish(offer_of("bretagne:1"))
    await offers.apply(offer_topic.chunks())
    assert 1 == await followed.count("bretagne")
    statements: list[str] = []
    await followed.copy.read(lambda db: db.set_trace_callback(statements.append))
    assert [1, 1] == [await followed.count("bretagne"), await followed.count("bretagne")]
    assert not [statement for statement in statements if "recent" in statement or "meta" in statement]
    offer_topic.withdraw("bretagne:1")
    await offers.apply(offer_topic.chunks())
    assert 0 == await followed.count("bretagne")


async def test_a_follower_that_is_up_to_date_reads_no_chunk(
    offers: OfferView, followed: OfferView, offer_topic: OfferTopic
) -> None:
    statements: list[str] = []
    for number in range(3):
        offer_topic.publish(offer_of(f"bretagne:{number}"))
        await offers.apply(offer_topic.chunks())
        assert number + 1 == await followed.count("bretagne")
        if number == 0:
            await followed.copy.read(lambda db: db.set_trace_callback(statements.append))
            assert offers._index is not None
            offers._index._recent.size = PERIOD
    assert not [statement for statement in statements if "postings" in statement]
