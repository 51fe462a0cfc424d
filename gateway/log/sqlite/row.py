"""Rows of the embedded log: headers and checksum in one column.

The checksum is the last header. A column of its own would break the gateway's earlier versions, which insert rows
without naming columns; they ignore an additional header. Rows written by them have no checksum.
"""

import sqlite3
from zlib import crc32

import orjson

from gateway.protocol.record import Headers

_MARK = b'"crc32","'
_PRIME = 4_294_967_291
_SIZE = len(_MARK) + 8 + len(b'"]')


class DamagedRowError(sqlite3.DatabaseError):
    """A row of the log differs from the row that was written."""


def seal(number: int, offset: int, at: int, key: bytes | None, value: bytes | None, headers: Headers) -> bytes:
    """The last column of a row: its headers and, as the last of them, the checksum of the row. ``number`` is that of
    its stream.
    """
    packed = pack(headers)
    total = _checksum(number, offset, at, key, value, packed)
    if packed is None:
        return b'["crc32","%08x"]' % total
    return b'%b,"crc32","%08x"]' % (packed[:-1], total)


def unseal(  # the columns of the row
    number: int,
    offset: int,
    at: int,
    key: bytes | None,
    value: bytes | None,
    sealed: bytes | None,
    *,
    required: bool,
) -> Headers:
    """The headers of a row whose checksum matches. ``required``: a row without checksum is damaged as well. Raises
    DamagedRowError.
    """
    try:
        if sealed == b'["crc32","%08x"]' % _checksum(number, offset, at, key, value, None):
            return ()  # most rows: without headers
        packed, found = _split(sealed)
        if found is None:
            if required:
                raise DamagedRowError(f"record {offset} of stream {number} has no checksum")
            return unpack(packed)
        if found != b"%08x" % _checksum(number, offset, at, key, value, packed):
            raise DamagedRowError(f"the checksum of record {offset} of stream {number} does not match")
        return () if packed is None else unpack(packed)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise DamagedRowError(f"the headers of record {offset} of stream {number} cannot be read") from error


def _checksum(  # the columns of the row
    number: int, offset: int, at: int, key: bytes | None, value: bytes | None, packed: bytes | None
) -> int:
    """CRC-32 of the byte strings, seeded with the numbers. No number is formatted, since this runs for every record
    that is written or read.
    """
    keyed = b"" if key is None else key
    numbers = number * 0x9E3779B1 + offset * 0x85EBCA77 + at * 0xC2B2AE3D + len(keyed) * 4
    total = crc32(keyed, (numbers + 2 * (key is None) + (value is None)) % _PRIME)
    if packed is not None:
        total = crc32(packed, total)
    return total if value is None else crc32(value, total)


def _split(sealed: bytes | None) -> tuple[bytes | None, bytes | None]:
    """The headers as ``pack`` returned them, and the checksum in hexadecimal where there is one."""
    if sealed is None or sealed[-_SIZE:-10] != _MARK:
        return sealed, None
    before = sealed[:-_SIZE]
    return (None if before == b"[" else before[:-1] + b"]"), sealed[-10:-2]


def pack(headers: Headers) -> bytes | None:
    """Headers as a flat JSON list of names and values, each byte a Latin-1 character; None for none."""
    if not headers:
        return None
    flat: list[str] = []
    for name, value in headers:
        flat += (name, value.decode("latin-1"))
    return orjson.dumps(flat)


def unpack(packed: bytes | None) -> Headers:
    """The inverse of ``pack``."""
    if packed is None:
        return ()
    flat = orjson.loads(packed)
    return tuple(zip(flat[::2], [value.encode("latin-1") for value in flat[1::2]], strict=True))
