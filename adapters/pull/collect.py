"""Collect a feed: judge its items against the known offers, count them, and spool them as one complete snapshot."""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

import schemas
from adapters.formats.item import (
    BrokenItem,
    FeedComplete,
    FeedUnusable,
    Item,
    OfferItem,
    PassedItem,
    RepeatedItem,
    judge,
)
from adapters.pull.feed_counts import FeedCounts, Kind
from gateway.errors import LogUnavailableError, UploadRefusedError
from gateway.ingest.refusals import RefusedItem, UploadRefusals
from gateway.ingest.snapshot import Mark
from gateway.ingest.submissions import Prepared, Submissions
from gateway.ingest.upload.judge import Author, BatchJudge
from gateway.ingest.upload.spool import DiskQuota, JudgedItem, Spool
from gateway.protocol.digest import content_digest
from gateway.protocol.source_run import Counts
from gateway.protocol.submission import Known
from gateway.store import OfferView
from schemas import Problem
from schemas.territory import department_in

_NAMES = frozenset(("id", "revision", "apply_url", "source_id", "national_remote_id", "extensions"))
_SLICE = 2_000
_AT_ONCE = 50


class FeedUpload:
    """Upload of one feed, item by item; only new and changed offers are spooled. Close it after use.

    An offer that is already published with the same content is present by its id and is not submitted again.
    """

    def __init__(self, folder: Path, quota: DiskQuota) -> None:
        self.feed_counts = FeedCounts()
        self.whole = True
        """Whether what the feed does not have is absent."""
        self.refusals = UploadRefusals()
        self.contents: set[int] = set()
        """Hashes of the contents of offers with new ids."""
        self._spool = Spool(folder, quota)
        self._numbers: list[int] = []

    async def add(self, position: str, item: JudgedItem, *, kind: Kind) -> None:
        """Count an item, and spool it if it must be appended. Raises UploadRefusedError if the disk quota is full."""
        try:
            number = self.feed_counts.add(position, item.id, kind=kind, problems=item.problems)
        except LogUnavailableError as error:
            raise UploadRefusedError("spool-full") from error
        if number is None or item.prepared is None:
            return
        self._numbers.append(number)
        self._spool.add(JudgedItem(item.id, (), item.prepared))
        if self._spool.full:
            await self._spool.flush()

    async def finish(self) -> None:
        """Flush the spool."""
        await self._spool.flush()

    @property
    def count(self) -> int:
        """The number of distinct offers of the feed."""
        return self.feed_counts.distinct

    @property
    def declared_count(self) -> int:
        """Equal to ``count``: format and transport have verified that the feed is complete."""
        return self.feed_counts.distinct

    def ids(self) -> Iterator[str]:
        """The id of every offer, including refused ones, which are present."""
        return self.feed_counts.ids()

    def slices(self) -> Iterator[Sequence[tuple[int, Prepared]]]:
        """The new and changed offers with their numbers, in slices that fit in memory, without repeated ids."""
        for slice_ in self._spool.prepared(at_once=_SLICE):
            yield [(index, one) for index, one in slice_ if self._numbers[index] not in self.feed_counts.dropped]

    def close(self) -> None:
        """Delete the spool and the ids from the disk."""
        self._spool.close()
        self.feed_counts.close()


class RejectedFeedError(Exception):
    """The feed is cut or malformed, and no item of it may be applied. ``feed_counts`` covers the items so far."""

    def __init__(self, problems: Sequence[Problem], feed_counts: FeedCounts) -> None:
        super().__init__(problems[0].code)
        self.problems = problems
        counts = feed_counts.counts
        self.counts = Counts(items=counts.items, passed=counts.passed)
        self.groups = feed_counts.problems


class FeedCollector:
    """Collects one run's feed for the ``author``; the run ``began`` (ms) before its ``mark`` was taken."""

    def __init__(self, *, submissions: Submissions, offers: OfferView, author: Author, mark: Mark, began: int) -> None:
        self._judge = BatchJudge(submissions.of_upload(mark.snapshot), author)
        self._offers = offers
        self._author = author
        self._mark = mark
        self._began = began

    async def collect(self, items: Iterator[Item], folder: Path, quota: DiskQuota) -> FeedUpload:
        """The upload of all items. Raises RejectedFeedError, and UploadRefusedError if no disk quota is left."""
        upload = FeedUpload(folder, quota)
        try:
            # Reading needs CPU time: a thread reads some items at a time while the event loop goes on.
            while batch := await asyncio.to_thread(list, islice(items, _AT_ONCE)):
                known = await self._known(batch)
                for item in batch:
                    await self._take(item, known, upload)
            await upload.finish()
        except BaseException:
            upload.close()
            raise
        return upload

    async def _known(self, batch: Sequence[Item]) -> Mapping[str, Known]:
        ids = [item.id for item in batch if isinstance(item, OfferItem)]
        states = await asyncio.gather(*(self._offers.get(offer_id) for offer_id in ids))
        return {state.id: state.known for state in states if state is not None}

    async def _take(self, item: Item, known: Mapping[str, Known], upload: FeedUpload) -> None:
        match item:
            case OfferItem():
                await self._offer(item, known.get(item.id), upload)
            case BrokenItem():
                if (retraction := item.retraction) is not None:
                    upload.feed_counts.note(str(retraction.position), item.id, [retraction.problem.to_json()])
                await self._refuse(item, item.problems, upload)
            case RepeatedItem():
                pass
            case PassedItem():
                upload.feed_counts.add_passed()
            case FeedComplete():
                upload.whole = item.whole
                upload.feed_counts.note("", None, [one.to_json() for one in item.problems])
            case FeedUnusable():
                upload.feed_counts.note("", None, [one.to_json() for one in item.problems])
                raise RejectedFeedError(item.problems, upload.feed_counts)

    async def _offer(self, item: OfferItem, known: Known | None, upload: FeedUpload) -> None:
        verdict = judge(item, revision=self._began, on=self._author.on, activations=self._author.activations)
        if not verdict.accepted or verdict.document is None:
            await self._refuse(item, verdict.problems, upload)
            return
        if known is not None and known.reason == "moderated":
            await self._refuse(item, [schemas.problem("moderated", pointer="/id", actual=item.id)], upload)
            return
        digest = content_digest(verdict.document)
        revision = next_revision(known, digest, began=self._began)
        if revision != self._began:
            verdict = judge(item, revision=revision, on=self._author.on, activations=self._author.activations)
        judged = self._judge.weigh(verdict, self._mark.ends)
        kind: Kind = (
            "refused" if judged.prepared is None else "unchanged" if is_published(known, digest) else "published"
        )
        if known is None and verdict.offer is not None:
            upload.contents.add(hash_of(verdict.offer))
        if judged.prepared is None:
            upload.refusals.add(_refused(item, verdict.document, judged.problems))
        await upload.add(str(item.position), judged, kind=kind)

    async def _refuse(self, item: OfferItem | BrokenItem, problems: Sequence[Problem], upload: FeedUpload) -> None:
        bodies = [one.to_json() for one in problems]
        document = item.document if isinstance(item, OfferItem) else None
        upload.refusals.add(_refused(item, document, bodies))
        await upload.add(str(item.position), JudgedItem(item.id, bodies, None), kind="refused")


def _refused(
    item: OfferItem | BrokenItem, document: Mapping[str, Any] | None, problems: Sequence[Mapping[str, Any]]
) -> RefusedItem:
    rules = frozenset(str(one["code"]) for one in problems if one["severity"] == "error")
    department = department_in(document)
    return RefusedItem(index=item.position.index, id=item.id, department=department, rules=rules, problems=problems)


def hash_of(document: Mapping[str, Any]) -> int:
    """A hash of what an offer says, apart from its ids and its links, which may hold them."""
    content = {name: value for name, value in document.items() if name not in _NAMES}
    return int.from_bytes(hashlib.blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=8).digest())


def next_revision(known: Known | None, digest: str, *, began: int) -> int:
    """The last revision if the content (``digest``) is the same, else a higher one, at least ``began``.

    ``began`` is the start of the run (ms). Call this only for offers that may be published today.
    """
    if known is None:
        return began
    if known.digest == digest and known.reason != "expired":
        return known.revision
    # An expired offer that may be published today expired while the clock was ahead. The same revision would be stale
    # (REV-001).
    return max(known.revision + 1, began)


def is_published(known: Known | None, digest: str) -> bool:
    """Whether the offer is already published with this content."""
    return known is not None and known.published and known.digest == digest
