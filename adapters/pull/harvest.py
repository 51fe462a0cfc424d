"""A harvest: the judged items of one feed on disk, as the complete upload that a snapshot takes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from adapters.pull.census import Census, Kind
from gateway.errors import LogUnavailableError
from gateway.ingest.submissions import Prepared
from gateway.ingest.upload.error import UploadRefusedError
from gateway.ingest.upload.spool import Item, Room, Spool

_SLICE = 2_000


class Harvest:
    """Items are added one by one; what is new or changed is spooled. Close it after use.

    An offer that stands already is present by its id and is not handed in again: that would change nothing.
    """

    def __init__(self, folder: Path, room: Room) -> None:
        self.census = Census()
        self._spool = Spool(folder, room)
        self._numbers: list[int] = []

    async def add(self, position: str, item: Item, *, kind: Kind) -> None:
        """Count an item and keep what is to be appended. Raises UploadRefusedError when the disk has no room."""
        try:
            number = self.census.add(position, item.id, kind=kind, problems=item.problems)
        except LogUnavailableError as error:
            raise UploadRefusedError("spool-full") from error
        if number is None or item.prepared is None:
            return
        self._numbers.append(number)
        self._spool.add(Item(item.id, (), item.prepared))
        if self._spool.full:
            await self._spool.flush()

    async def finish(self) -> None:
        """Write out the rest."""
        await self._spool.flush()

    @property
    def count(self) -> int:
        """How many offers the feed names."""
        return self.census.distinct

    @property
    def declared_count(self) -> int:
        """The same: that the feed is whole was proved by its format and its transport."""
        return self.census.distinct

    def ids(self) -> Iterator[str]:
        """The id of every offer, refused ones included: they are present."""
        return self.census.ids()

    def slices(self) -> Iterator[Sequence[tuple[int, Prepared]]]:
        """The new and changed offers, in slices that fit in memory; those whose id stands twice are left out."""
        for slice_ in self._spool.prepared(at_once=_SLICE):
            yield [(index, one) for index, one in slice_ if self._numbers[index] not in self.census.dropped]

    def close(self) -> None:
        """Free the disk."""
        self._spool.close()
        self.census.close()
