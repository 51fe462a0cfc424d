"""One subscription: its pages are read and posted one after another, each announced before it is sent."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import structlog

from gateway.clock import Clock
from gateway.log.port import Output
from gateway.partners import Partners
from gateway.protocol.push import (
    DEADLINE_MS,
    KEPT_FRESH_MS,
    MINUTE_MS,
    POST_MS,
    PushPage,
    PushProgress,
    PushRow,
    announce,
    follow,
    must_send,
    passed,
    push_id,
    scope_of,
    settle,
)
from gateway.protocol.push_record import attempt_record, progress_record
from gateway.protocol.subscription import MAX_RATE, Subscription
from gateway.protocol.topic import PUSHES, SUBSCRIPTIONS
from gateway.protocol.visibility import Filter, Reader
from gateway.push.book import SubscriptionBook, settings_of
from gateway.push.commits import SharedCommits
from gateway.push.page import PageReader, code_body, page_body
from gateway.push.post import Poster
from gateway.push.signature import consent_code, signed_headers
from gateway.store import OfferView

AT_ONCE = 64
"""Pushes of a process at the same time."""
LOOK_SECONDS = 1.0
"""Settings and membership are looked at in memory this often while nothing is due."""
_PAUSES = 0.02, 1.0
"""The pause after records that show this subscriber nothing, doubled each time up to the second."""
_SOON_SECONDS = 0.2
"""A push that is due so soon is announced in the commit that has the result of the one before it."""
_MARGIN_MS = DEADLINE_MS - POST_MS

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class PushParts:
    """The parts that all subscriptions share. ``slots`` bound the pushes of the process at the same time; ``count``
    counts how they end; ``look``: seconds between two looks at settings
    and membership.
    """

    identity: str
    secret: bytes = field(repr=False)
    partners: Partners
    book: SubscriptionBook
    view: OfferView
    clock: Clock
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    look: float = LOOK_SECONDS
    count: Callable[[str], None] = lambda _: None


class Follower:
    """Follows one subscription. What it has not stored yet is ``unsaved``, and the rows of its attempts."""

    def __init__(
        self,
        platform: str,
        name: str,
        *,
        parts: PushParts,
        commits: SharedCommits,
        known: dict[tuple[str, str], PushProgress],
    ) -> None:
        self._platform = platform
        self._name = name
        self._parts = parts
        self._commits = commits
        self._pages = PageReader(parts.view)
        self._reader = Reader(platform)
        self._known = known
        self._progress = self._stored = known.get((platform, name))
        self._rows: list[PushRow] = []
        self._pause = _PAUSES[0]

    async def run(self) -> None:
        """Push until cancelled, or until the subscription is gone."""
        async with Poster(clock=self._parts.clock, loopback=self._parts.book.loopback) as poster:
            while (one := self._settings()) is not None:
                await self._step(one, poster)

    def _settings(self) -> Subscription | None:
        partner = self._parts.partners.get(self._platform)
        return settings_of(self._parts.book.state, partner).get(self._name)

    def _filter(self, one: Subscription) -> Filter:
        partner = self._parts.partners.get(self._platform)
        return one.filter(frozenset() if partner is None else partner.territory)

    async def _step(self, one: Subscription, poster: Poster) -> None:
        view, before = self._parts.view, self._progress
        if not view.caught_up or (before is not None and before.later):
            await asyncio.sleep(self._parts.look)
            return
        now, criteria = self._parts.clock(), self._filter(one)
        scope = scope_of(self._platform, criteria, self._parts.identity)
        progress = self._progress = follow(before, one, scope, ends=view.positions, now=now)
        if progress.tests != one.tests:
            await self._test(one, poster, progress)
        elif progress.stopped is not None or not one.confirmed or progress.due_at > now:
            left = (progress.due_at - now) / 1_000
            if not 0 < left <= _SOON_SECONDS:
                await self._save()  # else one commit has this result and the next announcement
            await asyncio.sleep(min(left, self._parts.look) if left > 0 else self._parts.look)
        elif await view.reached(progress.wanted(), self._parts.look):
            await self._next(one, poster, progress, criteria)

    async def _next(self, one: Subscription, poster: Poster, progress: PushProgress, criteria: Filter) -> None:
        view = self._parts.view
        async with self._parts.slots:  # before the page is read: it is as new as can be when it is sent
            page, changes = await self._pages.next(progress, one, criteria, self._reader)
            if must_send(progress, page):
                self._pause = _PAUSES[0]
                await self._push(one, poster, progress, page, changes)
                return
        self._progress = passed(progress, page)
        if page.more:
            return
        await self._save()
        if await view.moved(page.positions, self._parts.look):
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, _PAUSES[1])

    async def _push(
        self, one: Subscription, poster: Poster, progress: PushProgress, page: PushPage, changes: bytes
    ) -> None:
        parts = self._parts
        announced = self._progress = announce(progress, now=parts.clock())
        await self._save(always=True)
        now = parts.clock()
        left = (announced.due_at - _MARGIN_MS - now) / 1_000
        if self._settings() != one:
            self._progress = replace(announced, deadline=None)  # nothing was sent
            return
        if left <= 0:
            return  # the commit took too long: the deadline passes first
        body = page_body(changes, fresh=page.fresh, more=page.more, generation=progress.generation)
        headers = signed_headers(
            parts.secret, self._platform, one, message_id=push_id(progress, changes), body=body, now=now
        )
        outcome = await poster.post(one.url, body, headers, seconds=left)
        settled, rows = settle(
            announced,
            page,
            outcome,
            gap=0 if one.rate == MAX_RATE else MINUTE_MS // one.rate,  # commits are at this rate at most
            now=parts.clock(),
            jitter=random.uniform(-1, 1),  # noqa: S311  # spreads retries
        )
        self._progress = settled
        self._rows += rows
        parts.count("arrived" if outcome.arrived else outcome.reason or "refused")
        if settled.stopped is not None:
            parts.count("disabled")
            _log.warning("push.disabled", platform=self._platform, subscription=self._name, reason=settled.stopped)

    async def _test(self, one: Subscription, poster: Poster, progress: PushProgress) -> None:
        """Follow the order of a test, once: it is stored as followed before it is sent."""
        parts = self._parts
        self._progress = replace(progress, tests=one.tests)
        await self._save()
        now = parts.clock()
        body = code_body(consent_code(parts.secret, self._platform, one), now=now)
        headers = signed_headers(
            parts.secret, self._platform, one, message_id=f"msg_test_{one.id}_{one.tests}", body=body, now=now
        )
        async with parts.slots:
            outcome = await poster.post(one.url, body, headers, seconds=POST_MS / 1_000)
        parts.count("test")
        self._rows.append(PushRow(at=outcome.at, status=outcome.status, reason=outcome.reason, test=True))
        await self._save(always=True)

    async def _save(self, *, always: bool = False) -> None:
        """Store the progress and the rows, unless nothing but the position at the end has moved."""
        progress, stored = self._progress, self._stored
        if progress is None or not (always or self._rows or stored is None or _differ(stored, progress)):
            return
        partition = self._parts.book.partition(self._platform)
        rows = [attempt_record(self._platform, progress.subscription, row) for row in self._rows]
        self._rows = []
        self._stored = self._known[self._platform, self._name] = progress
        await self._commits.put(
            [
                Output(SUBSCRIPTIONS, partition, progress_record(self._platform, self._name, progress)),
                *(Output(PUSHES, partition, row) for row in rows),
            ]
        )


def _differ(stored: PushProgress, progress: PushProgress) -> bool:
    """Whether progress is worth a commit: more than records that showed the subscriber nothing."""
    if abs(progress.fresh - stored.fresh) > KEPT_FRESH_MS:
        return True
    return stored != replace(progress, positions=stored.positions, fresh=stored.fresh)
