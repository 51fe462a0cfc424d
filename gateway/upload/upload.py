"""An upload that has been received whole and judged: what may be appended, and what is to be told of each item."""

from collections.abc import Iterator

from gateway.submissions import Prepared
from gateway.upload.spool import Spool

_SLICE = 2_000


class Upload:
    """``count`` items, ``refused`` of them; ``digest`` (hex) stands for the content as inflated. Close it after use."""

    def __init__(self, spool: Spool, *, count: int, refused: int, digest: str, declared_count: int | None) -> None:
        self._spool = spool
        self.count = count
        self.refused = refused
        self.digest = digest
        self.declared_count = declared_count

    def results(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Of every item in order the JSON object of its id and problems (in both languages), and the receipt that an
        accepted one has or would have.
        """
        return self._spool.results()

    def ids(self) -> Iterator[str | None]:
        """The id of every item in order, refused ones included; None where it could not be read."""
        return self._spool.ids()

    def slices(self) -> Iterator[list[tuple[int, Prepared]]]:
        """The accepted items with their indexes, about 2,000 at a time."""
        return self._spool.prepared(at_once=_SLICE)

    def close(self) -> None:
        """Free the spool."""
        self._spool.close()
