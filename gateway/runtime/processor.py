"""Fair scheduling of one event loop's processor time: short requests first, long work in slices, fair by partner.

Long work requests a slice, runs for a few milliseconds, and requests the next. One slice runs at a time, work in a
thread included. The next slice goes to the partner that has used the least processor time. If another partner has sent
a request within the last 0.25 s, slices are shorter, and the next one waits twice the previous slice, so that an
arriving request finds an idle loop more often than not. While a short request of another partner is in progress, the
next slice waits 9 ms, or four times the previous slice. The short requests of a partner that has exceeded its share
wait for a slice too, but only while other partners are active: an idle processor is free for every partner. Requests
without a token wait for one while any partner is active.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.runtime.activity import Activity, key_of

SLICE_SECONDS = 0.003
_SHORT_SLICE_SECONDS = 0.0015
"""While other partners are active."""
_HOLD_SECONDS = 0.009
_PAUSE_SECONDS = 0.001
_HOLD_FACTOR = 4
_REST_FACTOR = 2
_RECENT_SECONDS = 0.25
_URGENT_SECONDS = 1.0
"""A longer request waits for something other than the processor."""
_ACTIVE_SECONDS = 1.0
_BURST_SECONDS = 1.0
_MAX_DEBT = 60.0
_MAX_WAITING = 64
_MAX_ANONYMOUS_WAITING = 1_024
_MAX_SHARES = 4_096


class ShareUsedError(Exception):
    """A partner has used up its share and has too much work queued. ``seconds``: when to retry, at least 1."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Share:
    """Processor time used by one partner. ``balance`` is in seconds, negative when the share is exceeded.
    ``anonymous``: an address whose requests are not authenticated.
    """

    __slots__ = ("anonymous", "balance", "filled_at", "key", "seen_at", "used", "waiting")

    def __init__(self, name: str, now: float, *, anonymous: bool = False) -> None:
        self.key = key_of(name)
        self.anonymous = anonymous
        self.balance = _BURST_SECONDS
        self.filled_at = now
        self.seen_at = now
        self.used = 0.0
        self.waiting: deque[asyncio.Future[None]] = deque()


class Processor:
    """Scheduler of one event loop's processor time. ``percent`` of it refills a partner's balance. ``hurry`` makes
    threads yield sooner; it is called with True when another partner sends a request while a slice runs in a thread.
    ``activity`` may be shared with other processes of this machine, since they compete for its cores.
    """

    def __init__(
        self,
        *,
        percent: int = 50,
        clock: Callable[[], float] = time.monotonic,
        hurry: Callable[[bool], None] = lambda _: None,
        activity: Activity | None = None,
    ) -> None:
        self._rate = percent / 100
        self._clock = clock
        self._shares: OrderedDict[str, Share] = OrderedDict()
        self._urgent: dict[object, tuple[float, Share]] = {}
        self._lines: set[Share] = set()
        self._granting: asyncio.Task[None] | None = None
        self._floor = 0.0
        self._run = self._began = 0.0
        self._hurry = hurry
        self._hurried = False
        self._aside: list[Share] = []
        self._returned = asyncio.Event()
        self._activity = activity or Activity()

    def share(self, name: str, *, anonymous: bool = False) -> Share:
        """The share of this name, created on first use. The least recently used share is evicted first."""
        share = self._shares.get(name)
        if share is None:
            share = self._shares[name] = Share(name, self._clock(), anonymous=anonymous)
            if len(self._shares) > _MAX_SHARES:
                self._shares.popitem(last=False)
        else:
            self._shares.move_to_end(name)
        return share

    def begin(self, request: object, share: Share) -> None:
        """A short request begins. A partner's holds slices of other shares back until its ``end``, for 1 s at most."""
        now = self._clock()
        share.seen_at = now
        if share.anonymous:  # else unauthenticated requests could slow long work down
            return
        self._urgent[request] = (now, share)
        self._activity.note(share.key, now)
        if not self._hurried and any(other is not share for other in self._aside):
            self._set_hurry(on=True)

    def end(self, request: object) -> None:
        """The request has ended, or has turned out to be long."""
        self._urgent.pop(request, None)

    def charge(self, share: Share, seconds: float) -> None:
        """Charge used processor time to a share."""
        now = self._clock()
        share.balance = min(_BURST_SECONDS, share.balance + (now - share.filled_at) * self._rate) - seconds
        share.balance = max(share.balance, -_MAX_DEBT)
        share.filled_at = now
        share.used += seconds

    @contextmanager
    def aside(self, share: Share) -> Iterator[None]:
        """Within the block the slice runs in a thread and no other one is granted. ``ran`` counts the thread's time."""
        self._aside.append(share)
        if not self._hurried and self._asked_lately(share):
            self._set_hurry(on=True)
        try:
            yield
        finally:
            self._aside.remove(share)
            if self._hurried and not self._aside:
                self._set_hurry(on=False)
            self._returned.set()

    def _set_hurry(self, *, on: bool) -> None:
        self._hurried = on
        self._hurry(on)

    def ran(self, seconds: float) -> None:
        """Count a thread's time as part of its slice, so that the pause before the next slice covers it."""
        self._run += seconds

    def slice_seconds(self, share: Share) -> float:
        """The maximum duration of a slice of this share."""
        return _SHORT_SLICE_SECONDS if self._asked_lately(share) else SLICE_SECONDS

    def must_wait(self, share: Share) -> bool:
        """Whether a short request of this share needs a slice: its balance is used up, and other partners are active. A
        request without a token needs one while any partner is active: many addresses have many balances.

        Raises ShareUsedError when too many of its requests wait, or the debt of a partner reaches a minute of processor
        time. Many clients may share one network address: it may have more requests waiting, and any debt.
        """
        now = self._clock()
        if not (share.anonymous and self._activity.others_since(share.key, now - _ACTIVE_SECONDS)):
            if share.balance > 0 or not self._others_active(share):
                return False
            self.charge(share, 0.0)
            if share.balance > 0:
                return False
        most = _MAX_ANONYMOUS_WAITING if share.anonymous else _MAX_WAITING
        indebted = not share.anonymous and share.balance <= -_MAX_DEBT + _BURST_SECONDS
        if len(share.waiting) >= most or indebted:
            raise ShareUsedError(max(1, min(60, round(-share.balance / self._rate))))
        return True

    async def slice(self, share: Share, *, whole: bool = False) -> None:
        """Wait for the next slice of this share. It lasts until the waiting task suspends again. ``whole``: it counts
        as a full slice however short it is, since it begins work that continues elsewhere.
        """
        granted = asyncio.get_running_loop().create_future()
        granted.add_done_callback(self._resumed)
        if not share.waiting:
            share.used = max(share.used, self._floor)  # idle time earns no credit
        share.waiting.append(granted)
        self._lines.add(share)
        if self._granting is None or self._granting.done():
            self._granting = asyncio.create_task(self._grant())
        await granted
        if whole:
            self._run = max(self._run, SLICE_SECONDS)

    async def _grant(self) -> None:
        while (share := self._next()) is not None:
            if self._aside:
                self._returned.clear()
                await self._returned.wait()
                continue
            if self._run >= self.slice_seconds(share):
                run, self._run = self._run, 0.0
                if self._asked_lately(share):
                    await asyncio.sleep(_REST_FACTOR * run)
                await self._hold(share, max(_HOLD_SECONDS, _HOLD_FACTOR * run))
                continue  # another share may be next by now
            granted = share.waiting.popleft()
            if not share.waiting:
                self._lines.discard(share)
            if granted.done():
                continue
            self._floor = share.used
            granted.add_done_callback(self._suspended)  # called next after the waiting task, which was there first
            granted.set_result(None)
            await asyncio.sleep(0)  # until it is called

    def _resumed(self, _: asyncio.Future[None]) -> None:
        self._began = self._clock()

    def _suspended(self, _: asyncio.Future[None]) -> None:
        self._run += self._clock() - self._began

    def _next(self) -> Share | None:
        return min(self._lines, key=lambda share: share.used, default=None)

    async def _hold(self, share: Share, seconds: float) -> None:
        until = self._clock() + seconds
        while self._pressed(share) and self._clock() < until:  # noqa: ASYNC110  # the condition depends on time too
            await asyncio.sleep(_PAUSE_SECONDS)

    def _pressed(self, share: Share) -> bool:
        """Whether a short request of another share is in progress."""
        late = self._clock() - _URGENT_SECONDS
        while self._urgent:
            request, (began, _) = next(iter(self._urgent.items()))
            if began > late:
                break
            del self._urgent[request]
        return any(other is not share for _, other in self._urgent.values())

    def _asked_lately(self, share: Share) -> bool:
        """Whether another partner has begun a request within the last 0.25 s."""
        return self._activity.others_since(share.key, self._clock() - _RECENT_SECONDS)

    def _others_active(self, share: Share) -> bool:
        since = self._clock() - _ACTIVE_SECONDS
        return any(other.seen_at > since for other in reversed(self._shares.values()) if other is not share)
