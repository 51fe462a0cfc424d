"""Receiving an upload: from the client's bytes to a judged spool, within limits of size and time."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from gateway.upload.body import read_blocks
from gateway.upload.error import UploadRefusedError
from gateway.upload.inflating import Inflater
from gateway.upload.judge import Judge
from gateway.upload.splitting import ArraySplitter, LineSplitter, Splitter
from gateway.upload.spool import Room, Spool
from gateway.upload.upload import Upload

_TURN_SECONDS = 0.005


class Source(Protocol):
    """Where the bytes come from: the body of a request."""

    async def readany(self) -> bytes:
        """What has arrived, or arrives next; nothing at the end. Raises ConnectionError when the client goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How the content is written."""

    kind: Literal["lines", "array"]
    gzip: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an upload may cost: a number of items, sizes in bytes, times in seconds. ``folder`` and ``room`` are the
    spool's.
    """

    items: int
    item_bytes: int
    array_bytes: int
    inflate_ratio: int
    read_seconds: float
    upload_seconds: float
    folder: Path
    room: Room


async def receive(source: Source, judge: Judge, *, form: Form, terms: Terms) -> Upload:
    """Read to the end and judge every item. Raises UploadRefusedError, ConnectionError; then nothing is left behind."""
    spool = Spool(terms.folder, terms.room)
    try:
        return await _Reception(spool, judge, terms).run(_pieces(source, form, terms), _splitter(form, terms))
    except BaseException:
        spool.close()
        raise


class _Reception:
    """One upload on its way in. It gives others a turn every few milliseconds."""

    def __init__(self, spool: Spool, judge: Judge, terms: Terms) -> None:
        self._spool = spool
        self._judge = judge
        self._terms = terms
        self._clock = asyncio.get_running_loop().time
        self._turn = self._clock()
        self._count = 0
        self._refused = 0

    async def run(self, pieces: AsyncIterator[bytes], splitter: Splitter) -> Upload:
        digest = hashlib.blake2b(digest_size=20)
        async for piece in pieces:
            digest.update(piece)
            await self._take(splitter.feed(piece))
        await self._take(splitter.finish())
        await self._spool.flush()
        return Upload(
            self._spool,
            count=self._count,
            refused=self._refused,
            digest=digest.hexdigest(),
            declared_count=self._judge.declared_count,
        )

    async def _take(self, documents: Iterable[bytes]) -> None:
        for raw in documents:
            if len(raw) > self._terms.item_bytes:
                raise UploadRefusedError("line-too-long", index=self._count, expected=self._terms.item_bytes)
            item = self._judge.judge(raw)
            if item is not None:
                if self._count == self._terms.items:
                    raise UploadRefusedError("too-many-items", expected=self._terms.items)
                self._count += 1
                self._refused += item.prepared is None
                self._spool.add(item)
            if self._spool.full:
                await self._spool.flush()
                self._turn = self._clock()
            elif self._clock() - self._turn > _TURN_SECONDS:
                await asyncio.sleep(0)
                self._turn = self._clock()


def _splitter(form: Form, terms: Terms) -> Splitter:
    if form.kind == "lines":
        return LineSplitter(item_bytes=terms.item_bytes)
    return ArraySplitter(item_bytes=terms.item_bytes, array_bytes=terms.array_bytes)


async def _pieces(source: Source, form: Form, terms: Terms) -> AsyncIterator[bytes]:
    """The content, inflated where it was deflated."""
    blocks = read_blocks(source.readany, read_seconds=terms.read_seconds, upload_seconds=terms.upload_seconds)
    if not form.gzip:
        async for block in blocks:
            yield block
        return
    inflater = Inflater(ratio=terms.inflate_ratio)
    async for block in blocks:
        for piece in inflater.feed(block):
            yield piece
    for piece in inflater.finish():
        yield piece
