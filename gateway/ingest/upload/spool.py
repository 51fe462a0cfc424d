"""The spool: judged items of one upload, in memory while they are few and on disk beyond, within a quota."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import orjson

from gateway.errors import UploadRefusedError
from gateway.ingest.submissions import Prepared
from gateway.protocol.record import Record
from gateway.protocol.value import value
from gateway.runtime.loop import aside, in_thread
from gateway.runtime.sqlite_damage import is_shortage

_IN_MEMORY = 8 * 1024 * 1024
_PIECE = 1024 * 1024


class DiskQuota:
    """The disk quota of spools: the bytes that all uploads of this process may take together.

    ``whole`` is the quota that this one is a part of.
    """

    def __init__(self, most: int, whole: "DiskQuota | None" = None) -> None:
        self.most = most
        self._free = most
        self._whole = whole
        self._parts: dict[str, DiskQuota] = {}

    def part(self, platform: str) -> "DiskQuota":
        """The quota of one platform, so that none excludes the others: three quarters. A million offers need 2 GB,
        and the whole is 3 GiB where two workers share the limits. There are dozens of platforms, and only authenticated
        ones get here.
        """
        return self._parts.setdefault(platform, DiskQuota(self.most // 4 * 3, self))

    def take(self, size: int) -> None:
        """Reserve bytes. Raises UploadRefusedError when fewer are free."""
        if size > self._free:
            raise UploadRefusedError("spool-full")
        if self._whole is not None:
            self._whole.take(size)
        self._free -= size

    def give_back(self, size: int) -> None:
        """Release bytes."""
        self._free += size
        if self._whole is not None:
            self._whole.give_back(size)


@value(frozen=True, slots=True)
class JudgedItem:
    """One judged document: its id where readable, its problems (in both languages), and the record to append, None
    when it was refused. ``codes``: the rules that it breaks, where its problems were not written out. ``department`` is
    that of a refused one, if it names one.
    """

    id: str | None
    problems: Sequence[Any]
    prepared: Prepared | None
    codes: Sequence[str] = ()
    department: str | None = None


class Spool:
    """Two lines an item: id and problems as JSON; then, for an accepted one, its id, its receipt, its record's value.

    Written by ``add`` and ``flush``, then read any number of times, by one reader at a time, in a thread: reads may
    wait for the disk. Nothing is read before ``flush``. The file has no name.
    """

    def __init__(self, folder: Path, quota: DiskQuota) -> None:
        self._folder = folder
        self._quota = quota
        self._size = 0
        self._held: list[bytes] = []
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._file: IO[bytes] | None = None

    @property
    def full(self) -> bool:
        """Whether enough has been added for a ``flush``."""
        return self._pending_size >= _PIECE

    def add(self, item: JudgedItem) -> None:
        """Add one item. Raises UploadRefusedError: ``body-too-large`` when this upload alone exceeds the quota, so that
        waiting does not help; ``spool-full`` when others hold the rest.
        """
        lines = _written(item)
        size = len(lines)
        if self._size + size > self._quota.most:
            raise UploadRefusedError("body-too-large", expected=self._quota.most)
        self._quota.take(size)
        self._size += size
        self._pending_size += size
        self._pending.append(lines)

    async def flush(self) -> None:
        """Store the added items: in memory up to 8 MiB, beyond that on disk, written in a thread. Raises
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
        for head, rest in self._pairs():
            yield head, None if not rest else rest.split(b" ", 2)[1]

    def prepared(self, *, at_once: int) -> Iterator[list[tuple[int, Prepared]]]:
        """The accepted items with their indexes, in slices."""
        accepted = ((index, _prepared(rest)) for index, (_, rest) in enumerate(self._pairs()) if rest)
        while slice_ := list(islice(accepted, at_once)):
            yield slice_

    def close(self) -> None:
        """Release memory, file and quota. A thread closes the file, since freeing a large one takes a while."""
        if self._file is not None:
            aside(self._file.close)
            self._file = None
        self._held, self._pending = [], []
        self._quota.give_back(self._size)
        self._size = 0

    def _write(self, lines: list[bytes]) -> None:
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = TemporaryFile(dir=self._folder)  # noqa: SIM115  # ``close`` closes it
        self._file.writelines(lines)

    def _pairs(self) -> Iterator[tuple[bytes, bytes]]:
        if self._file is None:
            for lines in self._held:
                head, _, rest = lines.partition(b"\n")
                yield head, rest[:-1]
            return
        self._file.seek(0)
        read = iter(self._file)
        for head in read:
            yield head[:-1], next(read)[:-1]


def _written(item: JudgedItem) -> bytes:
    prepared = item.prepared
    if prepared is None:
        return b"%b\n\n" % _head(item)
    key, value = prepared.record.key or b"", prepared.record.value or b""
    if item.problems:
        return b"%b\n%b %b %b\n" % (_head(item), key, prepared.receipt.encode(), value)
    # As ``_head``, faster: no id needs an escape.
    return b'{"id":"%b"}\n%b %b %b\n' % (key, key, prepared.receipt.encode(), value)


def _head(item: JudgedItem) -> bytes:
    return orjson.dumps({"id": item.id, "problems": item.problems} if item.problems else {"id": item.id})


def _prepared(rest: bytes) -> Prepared:
    key, receipt, value = rest.split(b" ", 2)
    return Prepared(receipt.decode(), Record(key, value))
