"""The changes feed over HTTP: cursors read and written, and the long poll (requirements FEED-*)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import hdrs, web

from gateway.api.answer import send_list
from gateway.api.auth import requires
from gateway.api.context import Context, context_of, federation_of, partner_of
from gateway.api.problem import ProblemError
from gateway.api.query import ReaderQuery, read_changes_query
from gateway.api.readiness import require_caught_up, view_behind
from gateway.api.work import work_of
from gateway.protocol import cursor as cursors
from gateway.protocol.cursor import Cursor
from gateway.protocol.record import utc
from gateway.protocol.topic import OFFERS
from gateway.protocol.visibility import Reader

_AHEAD_SECONDS = 5.0
_ANYWHERE = 2**63
_PAUSE, _PAUSE_AT_MOST = 0.02, 1.0

HEADERS: Mapping[str, str] = {hdrs.CACHE_CONTROL: "no-store"}


@requires("offers:read")
async def get_changes(request: web.Request) -> web.StreamResponse:
    """``GET /v1/changes``."""
    require_caught_up(federation_of(request).offers)
    context, partner = context_of(request), partner_of(request)
    query = read_changes_query(
        request.query, partner, most=context.limits.page_items, waiting=context.federation.waiting
    )
    reader = Reader(partner.platform)
    cursor = await read_cursor(context, query, reader)
    changes, cursor, more = await _poll(request, query, reader, cursor)
    return await send_list(request, "changes", changes, page_end(context, cursor, more=more), HEADERS)


def page_end(context: Context, cursor: Cursor, *, more: bool) -> dict[str, Any]:
    """The members of a page behind its changes."""
    return {
        "cursor": cursors.write(cursor, context.cursors),
        "fresh": utc(context.federation.offers.fresh),
        "more": more,
    }


def moved(cursor: Cursor, positions: tuple[int, ...], *, fresh: int, more: bool) -> Cursor:
    """The cursor after a page that was read when the view was ``fresh`` last."""
    return replace(cursor, positions=positions, fresh=cursor.fresh if more else max(cursor.fresh, fresh))


async def read_cursor(context: Context, query: ReaderQuery, reader: Reader) -> Cursor:
    """The reader's cursor. A cursor from a replica that is ahead waits until this one has caught up. Raises
    ProblemError.
    """
    view = context.federation.offers
    if query.cursor is None:
        now = view.fresh or context.federation.clock()
        return cursors.start(
            end=view.positions, now=now, criteria=query.criteria, reader=reader, log=context.federation.identity
        )
    found = _read(context, query, reader, view.positions)
    if found == "resync-required":  # perhaps only ahead of this replica
        found = _read(context, query, reader, (_ANYWHERE,) * len(view.positions))
        if isinstance(found, Cursor) and not await view.reached(found.positions, _AHEAD_SECONDS):
            # The end offsets of the log decide: a broker that was suspended returns old ones, but not after this wait.
            found = _read(context, query, reader, tuple(await context.federation.log.ends(OFFERS)))
    if found == "view-behind":
        raise view_behind()
    if isinstance(found, str):
        raise ProblemError(found)
    return found


def _read(context: Context, query: ReaderQuery, reader: Reader, end: tuple[int, ...]) -> Cursor | cursors.CursorFault:
    return cursors.read(
        query.cursor or "",
        context.cursors,
        criteria=query.criteria,
        reader=reader,
        log=context.federation.identity,
        end=end,
        now=context.federation.clock(),
    )


async def _poll(
    request: web.Request, query: ReaderQuery, reader: Reader, cursor: Cursor
) -> tuple[list[dict[str, Any]], Cursor, bool]:
    """The next page: at once if there are changes, else as soon as there are, else an empty one at the deadline.

    Between reads without a change it pauses, twice as long each time: a thousand readers woken by every record that
    concerns only one of them would do nothing but read. Near the end a page is short, whatever its limit.
    """
    view, work, loop = federation_of(request).offers, work_of(request), asyncio.get_running_loop()
    deadline, pause = loop.time() + query.wait, _PAUSE
    while True:
        fresh = view.fresh  # before the read: the page is at least as new
        behind = sum(max(0, end - at) for end, at in zip(view.positions, cursor.positions, strict=True))
        changes, positions, more = await work.read(
            view.changes(cursor, reader=reader, criteria=query.criteria, limit=query.limit),
            items=min(query.limit, behind),
        )
        cursor = moved(cursor, positions, fresh=fresh, more=more)
        left = deadline - loop.time()
        if changes or more or left <= 0 or not await work.wait(view.moved(positions, left), otherwise=False):
            return changes, cursor, more
        if work.stopping:
            return changes, cursor, more
        await asyncio.sleep(min(pause, max(0.0, deadline - loop.time())))
        pause = min(2 * pause, _PAUSE_AT_MOST)


ROUTES: Sequence[web.RouteDef] = (web.get("/v1/changes", get_changes),)
