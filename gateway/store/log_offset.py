"""Log offsets: partition and offset as one integer, so that one SQLite key holds both in log order."""

_BITS = 48
_OFFSETS = (1 << _BITS) - 1


def log_offset_of(partition: int, offset: int) -> int:
    """The log offset of an offset (below 2^48) in a partition (below 2^15)."""
    return partition << _BITS | offset


def partition_at(log_offset: int) -> int:
    """The partition of a log offset."""
    return log_offset >> _BITS


def offset_at(log_offset: int) -> int:
    """The offset within its partition."""
    return log_offset & _OFFSETS
