"""Ids that a feed has had: exactly those, in little memory."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from adapters.formats.record import FEED_ITEMS
from adapters.formats.seen import SeenIds


@given(st.lists(st.text(max_size=3)))
def test_an_id_was_seen_exactly_where_it_came_before(ids: list[str]) -> None:
    """[FMT-007]"""
    seen = SeenIds()
    assert [one in ids[:index] for index, one in enumerate(ids)] == [seen.add(one) for one in ids]


def test_as_many_ids_as_a_feed_may_have_take_little_memory() -> None:
    """[FMT-005]"""
    tracemalloc.start()
    try:
        seen = SeenIds()
        assert not any(seen.add(f"bretagne:{number}") for number in range(FEED_ITEMS))
        assert all(seen.add(f"bretagne:{number}") for number in range(0, FEED_ITEMS, 1_000))
        assert 4_000_000 > tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
