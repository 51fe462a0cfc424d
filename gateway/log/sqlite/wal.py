"""Inspection of the write-ahead log's file before SQLite recovers it.

SQLite ends a recovery at the first invalid frame and reports nothing. After a crash that is right: later frames were
never synced. But a transaction that is followed by another one was synced before that one began, so an invalid frame of
it is damage, and recovery without it would lose acknowledged records.
https://www.sqlite.org/fileformat2.html#walformat
"""

import sqlite3
import struct
from dataclasses import dataclass
from pathlib import Path

_HEADER, _FRAME = 32, 24
_MAGIC = (0x377F0682, 0x377F0683)
_MASK = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Synced:
    """The number of frames that were certainly synced; ``damage`` describes damage that shows by itself."""

    frames: int
    damage: str | None = None


def synced_frames(path: Path) -> Synced:
    """The number of frames in a write-ahead log that were synced before its last transaction began. Raises OSError."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Synced(0)
    if len(content) <= _HEADER:
        return Synced(0)
    magic, _, page, _, *salts = struct.unpack(">6I", content[:24])
    if magic not in _MAGIC or _checksum(content[:24], magic) != struct.unpack(">2I", content[24:32]):
        return Synced(0, "its header is not whole")
    size = _FRAME + page
    commits = []
    last = 0
    for number in range((len(content) - _HEADER) // size):
        start = _HEADER + number * size
        _, after, *found = struct.unpack(">4I", content[start : start + 16])
        if found == salts:
            last = number + 1
            if after:
                commits.append(number + 1)
    return Synced(max((one for one in commits if one < last), default=0))


def recovered_frames(connection: sqlite3.Connection) -> int:
    """The number of frames in SQLite's write-ahead log, after its recovery. Raises sqlite3.Error."""
    _, frames, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(frames)


def _checksum(content: bytes, magic: int) -> tuple[int, int]:
    words = struct.unpack(f"{'>' if magic & 1 else '<'}{len(content) // 4}I", content)
    first = second = 0
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & _MASK
        second = (second + other + first) & _MASK
    return first, second
