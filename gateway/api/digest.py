"""Equal copies over HTTP: the end of the changes feed with the digest of a reader's copy at that cursor (DIG-*)."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, TypeAlias

from aiohttp import web

from gateway.api.answer import send_list
from gateway.api.auth import requires
from gateway.api.changes import HEADERS, moved, page_end, read_cursor
from gateway.api.context import context_of, federation_of, partner_of
from gateway.api.limit import Slots
from gateway.api.query import ReaderQuery, read_digest_query
from gateway.api.readiness import require_caught_up, view_behind
from gateway.api.work import stopping_problem, work_of
from gateway.protocol.cursor import Cursor
from gateway.protocol.visibility import Reader
from gateway.store.reader_copy import ReaderCopy

DIGESTS: web.AppKey[Slots] = web.AppKey("digests", Slots)

_CHANGES_AT_ONCE = 1_000
_COPIES = 8
_OFFERS = 300_000

Key: TypeAlias = tuple[str, str]


class KeptCopies:
    """The copies used last, in this process: a few, and no more than one beyond a total of offers."""

    def __init__(self) -> None:
        self._copies: OrderedDict[Key, ReaderCopy] = OrderedDict()

    def take(self, key: Key) -> ReaderCopy | None:
        """Remove a copy. One whose use fails is not put back, and built again."""
        return self._copies.pop(key, None)

    def put(self, key: Key, copy: ReaderCopy) -> None:
        """Keep a copy, and drop those that were used longest ago."""
        self._copies[key] = copy
        while len(self._copies) > _COPIES or (len(self._copies) > 1 and self._offers > _OFFERS):
            self._copies.popitem(last=False)

    @property
    def _offers(self) -> int:
        return sum(len(copy.tree) for copy in self._copies.values())


COPIES: web.AppKey[KeptCopies] = web.AppKey("copies", KeptCopies)


@requires("offers:read")
async def get_digest(request: web.Request) -> web.StreamResponse:
    """``GET /v1/changes/digest``."""
    require_caught_up(federation_of(request).offers)
    context, partner = context_of(request), partner_of(request)
    query, node = read_digest_query(
        request.query, partner, most=context.limits.page_items, waiting=context.federation.waiting
    )
    reader = Reader(partner.platform)
    cursor = await read_cursor(context, query, reader)
    with request.app[DIGESTS].one(partner.platform):
        changes, rest = await _page(request, query, reader, cursor, node)
    return await send_list(request, "changes", changes, rest, HEADERS)


async def _page(
    request: web.Request, query: ReaderQuery, reader: Reader, cursor: Cursor, node: str
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The next page of changes; the last one with a node of the copy's tree. Page and copy are of one moment, because
    one read transaction reads both.
    """
    context, work, kept = context_of(request), work_of(request), request.app[COPIES]
    view, key = context.federation.offers, (reader.platform, cursor.filter)
    copy, page = kept.take(key) or ReaderCopy(reader, query.criteria), None
    while page is None:
        if work.stopping:
            raise stopping_problem()
        fresh = view.fresh  # before the read: the page is at least as new
        read = view.changes_beside(copy, cursor, reader=reader, criteria=query.criteria, limit=query.limit)
        page = await work.read(read, items=_CHANGES_AT_ONCE)
    changes, positions, more, ends = page
    if not more and positions != ends:  # the view was emptied, and is behind the cursor
        raise view_behind()
    rest = page_end(context, moved(cursor, positions, fresh=fresh, more=more), more=more)
    if not more:
        rest |= {"node": node, **await work.in_thread(copy.tree.node, node)}
    kept.put(key, copy)
    return changes, rest


ROUTES: Sequence[web.RouteDef] = (web.get("/v1/changes/digest", get_digest),)
