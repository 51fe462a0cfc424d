"""Bitmaps are stored and taken apart without loss."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from gateway.views.facet_index import CHUNK, ones, pack, unpack

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
