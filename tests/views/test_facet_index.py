"""Bitmaps are stored and taken apart without loss, and a search finds in them all that has its facets, in order."""

import random
import sqlite3
from array import array
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.views.bitmap import CHUNK, ones, pack, unpack
from gateway.views.facet import Search
from gateway.views.facet_index import SCHEMA, STEP, FacetIndex, Found
from gateway.views.facet_search import find, tally
from gateway.views.place import place_of

numbers = st.sets(st.integers(0, CHUNK - 1), max_size=300)


@given(numbers)
def test_a_packed_bitmap_reads_back_the_same(bits: set[int]) -> None:
    bitmap = sum(1 << bit for bit in bits)
    assert bitmap == unpack(pack(bitmap))


@given(numbers)
def test_the_set_bits_come_in_order(bits: set[int]) -> None:
    assert sorted(bits) == list(ones(sum(1 << bit for bit in bits)))


@given(st.sets(st.integers(0, 4_000), max_size=200), st.sets(st.integers(4_001, CHUNK - 1), max_size=200))
def test_numbers_may_be_appended_without_reading_them(first: set[int], then: set[int]) -> None:
    def numbers(bits: set[int]) -> bytes:
        return array("H", sorted(bits)).tobytes()

    assert list(ones(unpack(numbers(first) + numbers(then)))) == sorted(first | then)


def matches(facets: frozenset[str], search: Search) -> bool:
    """What the index is there to tell, asked of one offer."""
    grouped = all(facets.intersection(group) for group in search.groups)
    seen = search.audience in facets and search.passed not in facets
    return grouped and (seen or search.own in facets)


def drawn(chance: random.Random, count: int) -> Iterator[tuple[int, frozenset[str]]]:
    """Offers of one partition in several chunks and a tail; ``rare`` ones are few, ``odd`` ones lie in one chunk."""
    offset = 0
    for _ in range(count):
        offset += chance.choice((1, 2, 3, 60))
        facets = {
            f"department:{chance.randrange(20)}",
            f"week:{chance.randrange(3)}",
            f"platform:{chance.choice('ab')}",
        }
        facets |= {name for name, chances in (("rare", 0.004), ("some", 0.1)) if chance.random() < chances}
        facets |= {"odd"} if offset // CHUNK == 1 and chance.random() < 0.1 else set()
        facets |= {name for name in ("audience:regions", "audience:national") if chance.random() < 0.9}
        facets |= {f"passed:{chance.choice('abc')}", f"tenth:{chance.randrange(300)}:1"}
        yield place_of(1, offset), frozenset(facets)


def searches(chance: random.Random) -> Iterator[Search]:
    """Of one group or several, rare and common ones, with and without what is the reader's own."""
    kinds = [("rare",), ("odd",), ("some",), ("week:1",), ("none",), ("rare", "odd"), ("tenth:7:1", "tenth:8:1")]
    kinds += [tuple(f"department:{number}" for number in chance.sample(range(20), size)) for size in (1, 4)]
    for _ in range(60):
        groups = tuple(chance.sample(kinds, chance.randrange(4)))
        own = chance.choice((None, "platform:a", "platform:b"))
        yield Search(
            groups, chance.choice(("audience:regions", "audience:national")), f"passed:{chance.choice('ab')}", own
        )


@pytest.mark.parametrize("seed", range(2))
def test_a_search_finds_what_has_the_facets(seed: int) -> None:
    """Before offers go, when some have gone, and when a whole chunk has; from the start and from amidst."""
    chance = random.Random(seed)
    db = sqlite3.connect(":memory:")
    db.executescript(SCHEMA)
    index = FacetIndex(2, settled=False)
    offers: Mapping[int, frozenset[str]] = dict(drawn(chance, 14_000))
    for first in range(0, len(offers), 500):
        index.add(db, [Found(*offer, ()) for offer in list(offers.items())[first : first + 500]])
    index.publish()
    end = max(offers) - place_of(1, 0) + 1
    assert end > 3 * CHUNK + STEP
    gone_ones: list[set[int]] = [
        set(),
        set(chance.sample(sorted(offers), 3_000)),
        {place for place in offers if place // CHUNK == place_of(1, 0) // CHUNK + 2},
    ]
    living = dict(offers)
    for gone in gone_ones:
        index.discard(db, gone)
        index.publish()
        living = {place: facets for place, facets in living.items() if place not in gone}
        for search in searches(chance):
            wanted = [place for place, facets in living.items() if matches(facets, search)]
            assert (len(wanted), 0) == (tally(db, index.tails, search), tally(db, index.tails[:1], search))
            for start, stop in ((0, end), sorted((chance.randrange(end), chance.randrange(end)))):
                bounds = place_of(1, start), place_of(1, stop)
                found = find(db, index.tails[1], search, partition=1, start=start, stop=stop)
                assert [place for place in wanted if bounds[0] <= place < bounds[1]] == list(found)
