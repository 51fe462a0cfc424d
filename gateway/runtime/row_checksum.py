"""Checksums of stored rows. SQLite checks the structure of its pages, not the values in them."""

from collections.abc import Sequence
from zlib import crc32

_SEPARATOR = b"\x1f"


def checksum(*columns: object) -> int:
    """CRC-32 of the columns of a row, its key included, so that a row stored under another key fails as well.

    A text and a blob of the same bytes have the same checksum. None is a distinct value.
    """
    return crc32(_SEPARATOR.join([one if type(one) is bytes else str(one).encode() for one in columns]))


def joined(columns: Sequence[str]) -> str:
    """The SQL expression for the bytes whose ``crc32`` is the checksum of these columns."""
    return " || char(31) || ".join(f"ifnull({column}, 'None')" for column in columns)


def computed(columns: Sequence[str]) -> str:
    """The definition of a column ``sum`` that SQLite computes at each write, on connections set up by ``register``.

    For tables with few writes: each call waits for the GIL.
    """
    return f"sum INTEGER GENERATED ALWAYS AS (checksum({', '.join(columns)})) STORED"
