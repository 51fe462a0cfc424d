"""The spool: judged items of one upload, in memory while they are few and on disk beyond, within a bounded room."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

import orjson

from gateway.protocol.record import Record
from gateway.protocol.value import value
from gateway.submissions import Prepared
from gateway.upload.error import UploadRefusedError

_IN_MEMORY = 8 * 1024 * 1024
_PIECE = 1024 * 1024


class Room:
    """The bytes that all uploads of this process may spool together. ``whole``: the room that this one is a part of."""

    def __init__(self, most: int, whole: "Room | None" = None) -> None:
        self.most = most
        self._free = most
        self._whole = whole
        self._parts: dict[str, Room] = {}

    def part(self, platform: str) -> "Room":
        """What one platform may take, so that none keeps the others out: three quarters. A million offers need 1.5 GB,
        and a room is 2 GiB where two workers share the limits. Platforms are dozens, and only proven ones get here.
        """
        return self._parts.setdefault(platform, Room(self.most // 4 * 3, self))

    def take(self, size: int) -> None:
        """Raises UploadRefusedError when so much is not left."""
        if size > self._free:
            raise UploadRefusedError("spool-full")
        if self._whole is not None:
            self._whole.take(size)
        self._free -= size

    def give_back(self, size: int) -> None:
        """The bytes are free again."""
        self._free += size
        if self._whole is not None:
            self._whole.give_back(size)


@value(frozen=True, slots=True)
class Item:
    """One judged document: its id as far as readable, its problems (in both languages), and the record to append, None
    when it was refused.
    """

    id: str | None
    problems: Sequence[Any]
    prepared: Prepared | None


class Spool:
    """Two lines an item: id and problems as JSON; then, for an accepted one, its id, its receipt, its record's value.

    Written by ``add`` and ``flush``, then read as often as wanted, one reader at a time. The file has no name.
    """

    def __init__(self, folder: Path, room: Room) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = SpooledTemporaryFile[bytes](max_size=_IN_MEMORY, dir=str(folder))
        self._room = room
        self._size = 0
        self._lines: list[bytes] = []
        self._pending = 0

    @property
    def full(self) -> bool:
        """Whether enough has been added for a ``flush``."""
        return self._pending >= _PIECE

    def add(self, item: Item) -> None:
        """Keep one more item. Raises UploadRefusedError: ``body-too-large`` when this upload alone exceeds the room, so
        that waiting mends nothing; ``spool-full`` when others hold it.
        """
        lines = _written(item)
        size = len(lines)
        if self._size + size > self._room.most:
            raise UploadRefusedError("body-too-large", expected=self._room.most)
        self._room.take(size)
        self._size += size
        self._pending += size
        self._lines.append(lines)

    async def flush(self) -> None:
        """Write out what was added, in a thread: a busy disk must not hold up others. Raises UploadRefusedError."""
        lines, self._lines, self._pending = self._lines, [], 0
        try:
            await asyncio.to_thread(self._file.writelines, lines)
        except OSError:
            raise UploadRefusedError("spool-full") from None

    def ids(self) -> Iterator[str | None]:
        """The id of every item in the order added; None where it could not be read."""
        return (orjson.loads(head)["id"] for head, _ in self._pairs())

    def results(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Of every item the JSON object of its id and problems, and the receipt of an accepted one."""
        for head, tail in self._pairs():
            yield head[:-1], None if tail == b"\n" else tail.split(b" ", 2)[1]

    def prepared(self, *, at_once: int) -> Iterator[list[tuple[int, Prepared]]]:
        """The accepted items with their indexes, in slices."""
        accepted = ((index, _prepared(tail)) for index, (_, tail) in enumerate(self._pairs()) if tail != b"\n")
        while slice_ := list(islice(accepted, at_once)):
            yield slice_

    def close(self) -> None:
        """Give everything back."""
        self._file.close()
        self._room.give_back(self._size)
        self._size = 0

    def _pairs(self) -> Iterator[tuple[bytes, bytes]]:
        self._file.seek(0)
        lines = iter(self._file)
        return zip(lines, lines, strict=True)


def _written(item: Item) -> bytes:
    prepared = item.prepared
    if prepared is None:
        return b"%b\n\n" % _head(item)
    key, value = prepared.record.key or b"", prepared.record.value or b""
    if item.problems:
        return b"%b\n%b %b %b\n" % (_head(item), key, prepared.receipt.encode(), value)
    # What ``_head`` gives, sooner: no id needs an escape.
    return b'{"id":"%b"}\n%b %b %b\n' % (key, key, prepared.receipt.encode(), value)


def _head(item: Item) -> bytes:
    return orjson.dumps({"id": item.id, "problems": item.problems} if item.problems else {"id": item.id})


def _prepared(tail: bytes) -> Prepared:
    key, receipt, value = tail[:-1].split(b" ", 2)
    return Prepared(receipt.decode(), Record(key, value))
