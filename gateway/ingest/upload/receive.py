"""The reception of an upload: from the client's bytes to a judged spool, within limits of size and time."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from gateway.errors import UploadRefusedError
from gateway.ingest.refusals import RefusedItem
from gateway.ingest.upload.inflating import Inflater
from gateway.ingest.upload.judge import Judge, Unexplained
from gateway.ingest.upload.splitting import ArraySplitter, LineSplitter, Splitter
from gateway.ingest.upload.spool import DiskQuota, JudgedItem, Spool
from gateway.ingest.upload.upload import ItemCounts, OwnPace, SlicedWork, Upload

BLOCK_BYTES = 64 * 1024
_STEP_BYTES = 16 * 1024
_FREE_ITEMS = 200
_LEAST_ITEM_BYTES = 40
"""The least average size of an item: the shortest withdrawal has 44 bytes."""


Read: TypeAlias = Callable[[], Awaitable[bytes]]
"""Returns the bytes that have arrived, or arrive next; none at the end. Raises ConnectionError when the client
disconnects.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentForm:
    """The form of the content: NDJSON lines or a JSON array, with or without gzip."""

    kind: Literal["lines", "array"]
    gzip: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """The limits of an upload: a number of items, sizes in bytes, times in seconds, processor time included. ``folder``
    and ``quota`` are the spool's.
    """

    items: int
    item_bytes: int
    array_bytes: int
    inflate_ratio: int
    read_seconds: float
    upload_seconds: float
    processor_seconds: float = 600.0
    folder: Path
    quota: DiskQuota


async def receive(
    read: Read, judge: Judge, *, form: ContentForm, limits: UploadLimits, pace: SlicedWork | None = None
) -> Upload:
    """Read to the end and judge every item, in slices of ``pace``. Raises UploadRefusedError, ConnectionError; the
    spool is closed then.
    """
    spool = Spool(limits.folder, limits.quota)
    try:
        reception = _Reception(spool, judge, limits, pace or OwnPace())
        blocks = read_blocks(read, read_seconds=limits.read_seconds, upload_seconds=limits.upload_seconds)
        return await reception.run(blocks, form)
    except BaseException:
        spool.close()
        raise


async def read_blocks(read: Read, *, read_seconds: float, upload_seconds: float) -> AsyncIterator[bytes]:
    """Yield blocks of at least 64 KiB, except for the last; small pieces are joined, so that a client that sends
    byte by byte costs no more than another.

    ``read_seconds`` bounds the wait for the next
    piece, ``upload_seconds`` the whole, the time that the caller takes between blocks included. Raises
    UploadRefusedError.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + upload_seconds
    pieces: list[bytes] = []
    size = 0
    while True:
        try:
            async with asyncio.timeout_at(min(deadline, loop.time() + read_seconds)):
                piece = await read()
        except TimeoutError:
            raise UploadRefusedError("upload-too-slow", expected=read_seconds) from None
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
        if size >= BLOCK_BYTES:
            yield b"".join(pieces)
            pieces, size = [], 0
    if pieces:
        yield b"".join(pieces)


class _Reception:
    """The reception of one upload."""

    def __init__(self, spool: Spool, judge: Judge, limits: UploadLimits, pace: SlicedWork) -> None:
        self._spool = spool
        self._judge = judge
        self._limits = limits
        self._pace = pace
        self._digest = hashlib.blake2b(digest_size=20)
        self._read = 0
        self._split = 0
        self._accepted = bytearray()
        self._explained = 0
        self._counts = ItemCounts()

    async def run(self, blocks: AsyncIterator[bytes], form: ContentForm) -> Upload:
        splitter = _splitter(form, self._limits)
        inflater = Inflater(ratio=self._limits.inflate_ratio) if form.gzip else None
        async for block in blocks:
            for start in range(0, len(block), _STEP_BYTES):
                step = block[start : start + _STEP_BYTES]
                await self._slice()
                for piece in inflater.feed(step) if inflater else (step,):
                    await self._split_up(piece, splitter)
        for piece in inflater.finish() if inflater else ():
            await self._split_up(piece, splitter)
        await self._take(splitter.finish())
        await self._spool.flush()
        return Upload(
            self._spool,
            self._pace,
            accepted=self._accepted,
            explained=self._explained,
            counts=self._counts,
            digest=self._digest.hexdigest(),
            declared_count=self._judge.declared_count,
        )

    async def _slice(self) -> None:
        """Wait for the next slice when the present one is over. Raises UploadRefusedError above the processor time."""
        if not self._pace.ready:
            if self._pace.spent > self._limits.processor_seconds:
                raise UploadRefusedError("upload-too-costly", expected=self._limits.processor_seconds)
            await self._pace.next()

    async def _split_up(self, piece: bytes, splitter: Splitter) -> None:
        self._digest.update(piece)
        for start in range(0, len(piece), _STEP_BYTES):
            await self._slice()
            step = piece[start : start + _STEP_BYTES]
            self._read += len(step)
            await self._take(splitter.feed(step))

    async def _take(self, documents: Sequence[bytes]) -> None:
        """Judge items, after a check that there are not too many of them."""
        self._split += len(documents)
        if self._split > self._limits.items + 1:  # a snapshot's last line is not an item
            raise UploadRefusedError("too-many-items", expected=self._limits.items)
        if self._split > _FREE_ITEMS + self._read // _LEAST_ITEM_BYTES:
            raise UploadRefusedError("items-too-small", expected=_LEAST_ITEM_BYTES)
        for raw in documents:
            if len(raw) > self._limits.item_bytes:
                raise UploadRefusedError("line-too-long", index=len(self._accepted), expected=self._limits.item_bytes)
            await self._slice()
            item = self._judge.judge(raw)
            if item is None:
                continue
            if isinstance(item, Unexplained):
                item = await self._pace.in_thread(item.explain)
            if len(self._accepted) == self._limits.items:
                raise UploadRefusedError("too-many-items", expected=self._limits.items)
            self._accepted.append(item.prepared is not None)
            self._explained += item.prepared is None and not item.codes
            self._count(item)
            self._spool.add(item)
            if self._spool.full:
                await self._spool.flush()

    def _count(self, item: JudgedItem) -> None:
        """Count an item by each rule that refuses it or warns of it."""
        errors = set(item.codes)
        if item.problems:
            for severity, code in {(problem["severity"], problem["code"]) for problem in item.problems}:
                if severity == "error":
                    errors.add(code)
                else:
                    self._counts.warnings[code] += 1
        self._counts.rules.update(errors)
        if item.prepared is None:
            index = len(self._accepted) - 1
            self._counts.refusals.add(
                RefusedItem(index=index, id=item.id, department=item.department, rules=errors, problems=item.problems)
            )


def _splitter(form: ContentForm, limits: UploadLimits) -> Splitter:
    if form.kind == "lines":
        return LineSplitter(item_bytes=limits.item_bytes)
    return ArraySplitter(item_bytes=limits.item_bytes, array_bytes=limits.array_bytes)
