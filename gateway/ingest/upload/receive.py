"""The reception of an upload: from the client's bytes to a judged spool, within limits of size and time."""

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from gateway.ingest.upload.body import read_blocks
from gateway.ingest.upload.error import UploadRefusedError
from gateway.ingest.upload.inflating import Inflater
from gateway.ingest.upload.judge import Judge, Unexplained
from gateway.ingest.upload.pace import OwnPace, Pace
from gateway.ingest.upload.splitting import ArraySplitter, LineSplitter, Splitter
from gateway.ingest.upload.spool import DiskQuota, Item, Spool
from gateway.ingest.upload.upload import Upload

_STEP_BYTES = 16 * 1024
_FREE_ITEMS = 200
_LEAST_ITEM_BYTES = 40
"""The least average size of an item: the shortest withdrawal has 44 bytes."""


class Source(Protocol):
    """A source of bytes, such as the body of a request."""

    async def readany(self) -> bytes:
        """The bytes that have arrived, or arrive next; none at the end. Raises ConnectionError when the client
        disconnects.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The form of the content: NDJSON lines or a JSON array, with or without gzip."""

    kind: Literal["lines", "array"]
    gzip: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The limits of an upload: a number of items, sizes in bytes, times in seconds, processor time included. ``folder``
    and ``room`` are the spool's.
    """

    items: int
    item_bytes: int
    array_bytes: int
    inflate_ratio: int
    read_seconds: float
    upload_seconds: float
    processor_seconds: float = 600.0
    folder: Path
    room: DiskQuota


async def receive(source: Source, judge: Judge, *, form: Form, terms: Terms, pace: Pace | None = None) -> Upload:
    """Read to the end and judge every item, in slices of ``pace``. Raises UploadRefusedError, ConnectionError; the
    spool is closed then.
    """
    spool = Spool(terms.folder, terms.room)
    try:
        reception = _Reception(spool, judge, terms, pace or OwnPace())
        return await reception.run(_blocks(source, terms), form)
    except BaseException:
        spool.close()
        raise


class _Reception:
    """The reception of one upload."""

    def __init__(self, spool: Spool, judge: Judge, terms: Terms, pace: Pace) -> None:
        self._spool = spool
        self._judge = judge
        self._terms = terms
        self._pace = pace
        self._digest = hashlib.blake2b(digest_size=20)
        self._read = 0
        self._split = 0
        self._accepted = bytearray()
        self._explained = 0
        self._rules: Counter[str] = Counter()
        self._warnings: Counter[str] = Counter()

    async def run(self, blocks: AsyncIterator[bytes], form: Form) -> Upload:
        splitter = _splitter(form, self._terms)
        inflater = Inflater(ratio=self._terms.inflate_ratio) if form.gzip else None
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
            rules=self._rules,
            warnings=self._warnings,
            digest=self._digest.hexdigest(),
            declared_count=self._judge.declared_count,
        )

    async def _slice(self) -> None:
        """Wait for the next slice when the present one is over. Raises UploadRefusedError above the processor time."""
        if not self._pace.ready:
            if self._pace.spent > self._terms.processor_seconds:
                raise UploadRefusedError("upload-too-costly", expected=self._terms.processor_seconds)
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
        if self._split > self._terms.items + 1:  # a snapshot's last line is not an item
            raise UploadRefusedError("too-many-items", expected=self._terms.items)
        if self._split > _FREE_ITEMS + self._read // _LEAST_ITEM_BYTES:
            raise UploadRefusedError("items-too-small", expected=_LEAST_ITEM_BYTES)
        for raw in documents:
            if len(raw) > self._terms.item_bytes:
                raise UploadRefusedError("line-too-long", index=len(self._accepted), expected=self._terms.item_bytes)
            await self._slice()
            item = self._judge.judge(raw)
            if item is None:
                continue
            if isinstance(item, Unexplained):
                item = await self._pace.in_thread(item.explain)
            if len(self._accepted) == self._terms.items:
                raise UploadRefusedError("too-many-items", expected=self._terms.items)
            self._accepted.append(item.prepared is not None)
            self._explained += item.prepared is None and not item.codes
            self._count(item)
            self._spool.add(item)
            if self._spool.full:
                await self._spool.flush()

    def _count(self, item: Item) -> None:
        """Count an item by each rule that refuses it or warns of it."""
        self._rules.update(item.codes)
        if item.problems:
            for severity, code in {(problem["severity"], problem["code"]) for problem in item.problems}:
                (self._rules if severity == "error" else self._warnings)[code] += 1


def _splitter(form: Form, terms: Terms) -> Splitter:
    if form.kind == "lines":
        return LineSplitter(item_bytes=terms.item_bytes)
    return ArraySplitter(item_bytes=terms.item_bytes, array_bytes=terms.array_bytes)


def _blocks(source: Source, terms: Terms) -> AsyncIterator[bytes]:
    return read_blocks(source.readany, read_seconds=terms.read_seconds, upload_seconds=terms.upload_seconds)
