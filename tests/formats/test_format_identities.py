"""Ids that a feed has had, each with the position and digest of its first item, in little memory."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats.identity import Identities
from adapters.formats.item import FEED_ITEMS, ItemPosition

pytestmark = pytest.mark.slow


@given(st.lists(st.tuples(st.text(max_size=3), st.sampled_from((3, 5, 7)))))
def test_an_ids_earlier_items_are_found(items: list[tuple[str, int]]) -> None:
    """[FMT-007]"""
    identities = Identities()
    for index, (offer_id, digest) in enumerate(items):
        before = [(at, one) for at, (earlier, one) in enumerate(items[:index]) if earlier == offer_id]
        found = identities.meet(offer_id, ItemPosition(index, index + 1), digest)
        if not before:
            assert found is None
            continue
        first, known = before[0]
        differed = any(one != known for _, one in before)
        assert found is not None
        assert (ItemPosition(first, first + 1), digest == known and not differed, differed) == (
            found.first,
            found.identical,
            found.contradicted,
        )


def test_as_many_ids_as_a_feed_may_have_take_little_memory() -> None:
    """[FMT-005]"""
    tracemalloc.start()
    try:
        identities = Identities()
        for number in range(FEED_ITEMS):
            assert identities.meet(f"bretagne:{number}", ItemPosition(number, number), 3) is None
        assert identities.meet("bretagne:1000", ItemPosition(FEED_ITEMS, FEED_ITEMS), 3) is not None
        assert 9_000_000 > tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
