"""Checksums of stored rows. SQLite checks the shape of its pages, not the bytes of the values in them."""

from collections.abc import Sequence
from zlib import crc32

_SEPARATOR = b"\x1f"


def checksum(*columns: object) -> int:
    """CRC-32 of the columns of a row, its key included, so that a row stored under another key fails as well.

    The same for a text and a blob of the same bytes. None counts as a value of its own.
    """
    return crc32(_SEPARATOR.join([one if type(one) is bytes else str(one).encode() for one in columns]))


def joined(columns: Sequence[str]) -> str:
    """The SQL expression whose bytes ``crc32`` turns into the checksum of these columns."""
    return " || char(31) || ".join(f"ifnull({column}, 'None')" for column in columns)


def computed(columns: Sequence[str]) -> str:
    """The definition of a column ``sum`` that SQLite computes at each write, on connections that ``register`` prepared.

    For tables with few writes: each call waits for the interpreter's lock.
    """
    return f"sum INTEGER GENERATED ALWAYS AS (checksum({', '.join(columns)})) STORED"
