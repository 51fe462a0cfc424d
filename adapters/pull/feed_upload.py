"""Feed upload: spool the judged items of one feed to disk as the complete upload of a snapshot."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from adapters.pull.feed_counts import FeedCounts, Kind
from gateway.errors import LogUnavailableError, UploadRefusedError
from gateway.ingest.submissions import Prepared
from gateway.ingest.upload.spool import DiskQuota, Item, Spool

_SLICE = 2_000


class FeedUpload:
    """Upload of one feed, item by item; only new and changed offers are spooled. Close it after use.

    An offer that is already published with the same content is present by its id and is not submitted again.
    """

    def __init__(self, folder: Path, quota: DiskQuota) -> None:
        self.feed_counts = FeedCounts()
        self._spool = Spool(folder, quota)
        self._numbers: list[int] = []

    async def add(self, position: str, item: Item, *, kind: Kind) -> None:
        """Count an item, and spool it if it must be appended. Raises UploadRefusedError if the disk quota is full."""
        try:
            number = self.feed_counts.add(position, item.id, kind=kind, problems=item.problems)
        except LogUnavailableError as error:
            raise UploadRefusedError("spool-full") from error
        if number is None or item.prepared is None:
            return
        self._numbers.append(number)
        self._spool.add(Item(item.id, (), item.prepared))
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
        """Return the id of every offer, including refused ones, which are present."""
        return self.feed_counts.ids()

    def slices(self) -> Iterator[Sequence[tuple[int, Prepared]]]:
        """Yield the new and changed offers with their numbers, in slices that fit in memory, without repeated ids."""
        for slice_ in self._spool.prepared(at_once=_SLICE):
            yield [(index, one) for index, one in slice_ if self._numbers[index] not in self.feed_counts.dropped]

    def close(self) -> None:
        """Delete the spool and the ids from the disk."""
        self._spool.close()
        self.feed_counts.close()
