"""The spool: judged items of one upload, in memory while they are few and on disk beyond, within a bounded room."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import orjson

from gateway.ingest.submissions import Prepared
from gateway.ingest.upload.error import UploadRefusedError
from gateway.protocol.record import Record
from gateway.protocol.value import value
from gateway.runtime.loop import aside, in_thread
from gateway.runtime.sqlite_damage import is_shortage

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
    when it was refused. ``codes``: the rules that it breaks, where its problems were not written out.
    """

    id: str | None
    problems: Sequence[Any]
    prepared: Prepared | None
    codes: Sequence[str] = ()


class Spool:
    """Two lines an item: id and problems as JSON; then, for an accepted one, its id, its receipt, its record's value.

    Written by ``add`` and ``flush``, then read as often as wanted, one reader at a time, in a thread: reading may wait
    for the disk. Nothing is read before ``flush``. The file has no name.
    """

    def __init__(self, folder: Path, room: Room) -> None:
        self._folder = folder
        self._room = room
        self._size = 0
        self._held: list[bytes] = []
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._file: IO[bytes] | None = None

    @property
    def full(self) -> bool:
        """Whether enough has been added for a ``flush``."""
        return self._pending_size >= _PIECE

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
        self._pending_size += size
        self._pending.append(lines)

    async def flush(self) -> None:
        """Keep what was added: in memory up to 8 MiB, beyond that on disk, written in a thread. Raises
        UploadRefusedError.
        """
        pending, self._pending, self._pending_size = self._pending, [], 0
        if self._file is None and self._size <= _IN_MEMORY:
            self._held += pending
            return
        pending, self._held = self._held + pending, []
        try:
            await in_thread(lambda: self._write(pending))
        except OSError as error:
            if is_shortage(error):
                raise UploadRefusedError("spool-full") from None
            raise

    def ids(self) -> Iterator[str | None]:
        """The id of every item in the order added; None where it could not be read."""
        return (orjson.loads(head)["id"] for head, _ in self._pairs())

    def results(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Of every item the JSON object of its id and problems, and the receipt of an accepted one."""
        for head, tail in self._pairs():
            yield head, None if not tail else tail.split(b" ", 2)[1]

    def prepared(self, *, at_once: int) -> Iterator[list[tuple[int, Prepared]]]:
        """The accepted items with their indexes, in slices."""
        accepted = ((index, _prepared(tail)) for index, (_, tail) in enumerate(self._pairs()) if tail)
        while slice_ := list(islice(accepted, at_once)):
            yield slice_

    def close(self) -> None:
        """Give everything back. Freeing a large file takes the disk a while, so that a thread does it."""
        if self._file is not None:
            aside(self._file.close)
            self._file = None
        self._held, self._pending = [], []
        self._room.give_back(self._size)
        self._size = 0

    def _write(self, lines: list[bytes]) -> None:
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = TemporaryFile(dir=self._folder)  # noqa: SIM115  # ``close`` closes it
        self._file.writelines(lines)

    def _pairs(self) -> Iterator[tuple[bytes, bytes]]:
        if self._file is None:
            for lines in self._held:
                head, _, tail = lines.partition(b"\n")
                yield head, tail[:-1]
            return
        self._file.seek(0)
        read = iter(self._file)
        for head in read:
            yield head[:-1], next(read)[:-1]


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
    key, receipt, value = tail.split(b" ", 2)
    return Prepared(receipt.decode(), Record(key, value))
