"""Bitmaps of 65,536 bits as integers, and as they are stored: the numbers of the set bits where they are few."""

from array import array
from collections.abc import Iterable, Iterator

CHUNK = 65_536
WORD = 512
FEW = 128
_BYTES = CHUNK // 8
_LONELY = 8


def ones(bits: int) -> Iterator[int]:
    """The numbers of the set bits, lowest first; word by word where they are many, as long integers are slow."""
    if bits.bit_count() <= _LONELY:
        while bits:
            low = bits & -bits
            yield low.bit_length() - 1
            bits ^= low
        return
    raw = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    step = WORD // 8
    for base in range(0, len(raw), step):
        word = int.from_bytes(raw[base : base + step], "little")
        while word:
            low = word & -word
            yield base * 8 + low.bit_length() - 1
            word ^= low


def pack(bits: int) -> bytes:
    """A bitmap as it is stored: the numbers of the set bits where they are few, else all of it."""
    return numbers(bits) if bits.bit_count() <= FEW else b"\0" + bits.to_bytes(_BYTES, "little")


def unpack(packed: bytes) -> int:
    """The inverse of ``pack``. Numbers take two bytes each, so that only a whole bitmap's length is odd."""
    if len(packed) & 1:
        return int.from_bytes(memoryview(packed)[1:], "little")
    return bitmap(array("H", packed))


def bitmap(numbers: Iterable[int]) -> int:
    """The integer that has these bits."""
    raw = bytearray(_BYTES)
    for bit in numbers:
        raw[bit >> 3] |= 1 << (bit & 7)
    return int.from_bytes(raw, "little")


def numbers_in(packed: bytes) -> Iterable[int]:
    """The numbers of the set bits of a bitmap as it is stored."""
    return ones(unpack(packed)) if len(packed) & 1 else array("H", packed)


def overlap(packed: bytes, some: frozenset[int]) -> Iterable[int]:
    """Those of some numbers whose bits are set in a bitmap as it is stored."""
    if len(packed) & 1:
        return [bit for bit in some if packed[1 + (bit >> 3)] >> (bit & 7) & 1]
    return some.intersection(array("H", packed))


def numbers(bits: int, shift: int = 0) -> bytes:
    """The numbers of the set bits, ``shift`` added, two bytes each."""
    return array("H", [shift + bit for bit in ones(bits)]).tobytes()
