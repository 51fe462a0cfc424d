"""Places: one integer for where a record lies, so that one SQLite key holds partition and offset in log order."""

_BITS = 48
_OFFSETS = (1 << _BITS) - 1


def place_of(partition: int, offset: int) -> int:
    """The place of an offset (below 2^48) of a partition (below 2^15)."""
    return partition << _BITS | offset


def partition_at(place: int) -> int:
    """The partition of a place."""
    return place >> _BITS


def offset_at(place: int) -> int:
    """The offset of a place."""
    return place & _OFFSETS
