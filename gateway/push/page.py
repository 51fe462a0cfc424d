"""The page of a push: read from the offer view as the changes feed reads it, and cut to the size of a batch."""

from dataclasses import dataclass
from itertools import accumulate

import orjson

from gateway.protocol.push import PushPage, PushProgress
from gateway.protocol.record import utc
from gateway.protocol.subscription import Subscription
from gateway.protocol.visibility import Filter, Reader
from gateway.store import OfferView

MAX_CHANGES = 500
"""Changes of a page."""
_FIRST, _FILLED = 32, 0.95
"""The guess of the first page; and how full the next one shall be, as one that is too large is read twice."""


@dataclass(slots=True)
class PageReader:
    """Reads the pages of one subscription. ``guess``: the changes that its last page had room for."""

    view: OfferView
    guess: int = _FIRST

    async def next(
        self, progress: PushProgress, one: Subscription, criteria: Filter, reader: Reader
    ) -> tuple[PushPage, bytes]:
        """The next page, and its changes as JSON. A change that the owner skips is left out."""
        limit = min(self.guess, progress.limit or MAX_CHANGES)
        while True:
            fresh = self.view.fresh  # before the read: the page is at least as new
            changes, positions, more = await self.view.changes(
                progress.cursor(), reader=reader, criteria=criteria, limit=limit
            )
            texts = [orjson.dumps(change) for change in changes]
            fit = sum(size <= one.max_batch for size in accumulate(len(text) + 1 for text in texts))
            if fit >= len(texts) or limit == 1:
                break
            limit = self.guess = max(1, fit)
        if len(texts) == limit == self.guess:
            room = _FILLED * one.max_batch / sum(map(len, texts))
            self.guess = min(MAX_CHANGES, max(1, int(limit * room)))
        kept = [n for n, change in enumerate(changes) if (change["id"], change["sequence"]) != one.skip]
        page = PushPage(changes=[changes[n] for n in kept], positions=positions, more=more, fresh=fresh)
        return page, b",".join(texts[n] for n in kept)


def page_body(changes: bytes, *, fresh: int, more: bool, generation: int) -> bytes:
    """The body of a push: a page of the changes feed with its generation, without a cursor."""
    end = {"fresh": utc(fresh), "more": more, "generation": generation}
    return b'{"changes":[' + changes + b"]," + orjson.dumps(end)[1:]


def code_body(code: str, *, now: int) -> bytes:
    """The body of a test: a page of no generation, which changes no copy, with the code for the owner of the url."""
    return orjson.dumps({"changes": [], "fresh": utc(now), "more": True, "generation": 0, "code": code})
