"""Fair shares of one event loop's processor time: short requests first, long work in slices, partner by partner.

Long work asks for a slice, runs for a few milliseconds, and asks again. One slice runs at a time, work in a thread
included. The next one goes to the partner that has used the least processor time so far. Where another partner has
asked within the last quarter of a second, slices are shorter, and the next one waits one and a half times as long as
the slice before: a request that arrives finds an idle loop more often than not. While a short request of another
partner is in progress it waits nine milliseconds, or four times as long as the slice before. A partner that has used
more than its share waits for a slice with its short requests too, but only while other partners ask: an idle processor
is free for anyone.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SLICE_SECONDS = 0.003
_SHORT_SLICE_SECONDS = 0.0015
"""While other partners ask."""
_HOLD_SECONDS = 0.009
_PAUSE_SECONDS = 0.001
_HOLD_FACTOR = 4
_REST_FACTOR = 1.5
_RECENT_SECONDS = 0.25
_URGENT_SECONDS = 1.0
"""A request that takes longer waits for something else than the processor."""
_ACTIVE_SECONDS = 1.0
_BURST_SECONDS = 1.0
_MOST_DEBT = 60.0
_MOST_WAITING = 64
_MOST_SHARES = 4_096


class ShareUsedError(Exception):
    """A partner has used its share and more already waits. ``seconds``: when to try again, at least 1."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Share:
    """What one partner has used. ``balance`` in seconds, negative when it has used more than its share. ``anonymous``:
    an address whose requests prove no partner.
    """

    __slots__ = ("anonymous", "balance", "filled_at", "seen_at", "used", "waiting")

    def __init__(self, now: float, *, anonymous: bool = False) -> None:
        self.anonymous = anonymous
        self.balance = _BURST_SECONDS
        self.filled_at = now
        self.seen_at = now
        self.used = 0.0
        self.waiting: deque[asyncio.Future[None]] = deque()


class Processor:
    """The processor time of one event loop. ``percent`` is the part of it that refills a partner's balance. ``hurry``
    has threads give way sooner, and is called with True when another partner asks while a slice goes on in a thread.
    """

    def __init__(
        self,
        *,
        percent: int = 50,
        clock: Callable[[], float] = time.monotonic,
        hurry: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._rate = percent / 100
        self._clock = clock
        self._shares: OrderedDict[str, Share] = OrderedDict()
        self._urgent: dict[object, tuple[float, Share]] = {}
        self._lines: set[Share] = set()
        self._granting: asyncio.Task[None] | None = None
        self._floor = 0.0
        self._run = 0.0
        self._hurry = hurry
        self._hurried = False
        self._aside: list[Share] = []
        self._returned = asyncio.Event()
        self._asked: tuple[float, Share] | None = None
        self._asked_before: tuple[float, Share] | None = None

    def share(self, name: str, *, anonymous: bool = False) -> Share:
        """The share of this name, created at first use. The share that was unused for longest is forgotten first."""
        share = self._shares.get(name)
        if share is None:
            share = self._shares[name] = Share(self._clock(), anonymous=anonymous)
            if len(self._shares) > _MOST_SHARES:
                self._shares.popitem(last=False)
        else:
            self._shares.move_to_end(name)
        return share

    def begin(self, request: object, share: Share) -> None:
        """A short request begins: slices of other partners hold back until ``end``, for a second at most."""
        now = self._clock()
        share.seen_at = now
        self._urgent[request] = (now, share)
        if not share.anonymous:  # else anybody could slow long work down
            if self._asked is not None and self._asked[1] is not share:
                self._asked_before = self._asked
            self._asked = (now, share)
            if not self._hurried and any(other is not share for other in self._aside):
                self._set_hurry(on=True)

    def end(self, request: object) -> None:
        """It has ended, or it has turned out to be long."""
        self._urgent.pop(request, None)

    def charge(self, share: Share, seconds: float) -> None:
        """Count processor time that was used."""
        now = self._clock()
        share.balance = min(_BURST_SECONDS, share.balance + (now - share.filled_at) * self._rate) - seconds
        share.balance = max(share.balance, -_MOST_DEBT)
        share.filled_at = now
        share.used += seconds

    @contextmanager
    def aside(self, share: Share) -> Iterator[None]:
        """Within, the slice goes on in a thread: no other one is granted. ``ran`` counts what the thread has done."""
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
        """Count what a slice has begun and a thread has done, so that the next slice holds back for it."""
        self._run += seconds

    def slice_seconds(self, share: Share) -> float:
        """How long a slice of this share may take."""
        return _SHORT_SLICE_SECONDS if self._asked_lately(share) else SLICE_SECONDS

    def must_wait(self, share: Share, *, bounded: bool = True) -> bool:
        """Whether a short request of this share needs a slice: its balance is used up, and other partners ask. Raises
        ShareUsedError, where ``bounded``, when too many of its requests wait already, or when it is a minute of
        processor time in debt.
        """
        if share.balance > 0 or not self._others_active(share):
            return False
        self.charge(share, 0.0)
        if share.balance > 0:
            return False
        if bounded and (len(share.waiting) >= _MOST_WAITING or share.balance <= -_MOST_DEBT + _BURST_SECONDS):
            raise ShareUsedError(max(1, min(60, round(-share.balance / self._rate))))
        return True

    async def slice(self, share: Share, *, whole: bool = False) -> None:
        """Wait for the next slice of this share. It lasts until the task that waited suspends again. ``whole``: it
        counts as a whole one, however short it is: it begins work that goes on elsewhere.
        """
        granted = asyncio.get_running_loop().create_future()
        if not share.waiting:
            share.used = max(share.used, self._floor)  # rest earns no credit
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
                continue  # another share may have come meanwhile
            granted = share.waiting.popleft()
            if not share.waiting:
                self._lines.discard(share)
            if granted.done():
                continue
            self._floor = share.used
            began = self._clock()
            granted.set_result(None)
            await asyncio.sleep(0)  # until the step of the task that waited is over: it was scheduled first
            self._run += self._clock() - began

    def _next(self) -> Share | None:
        return min(self._lines, key=lambda share: share.used, default=None)

    async def _hold(self, share: Share, seconds: float) -> None:
        until = self._clock() + seconds
        while self._pressed(share) and self._clock() < until:  # noqa: ASYNC110  # it ends by time as well
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
        """Whether another partner has begun a request a moment ago."""
        latest = self._asked
        if latest is not None and latest[1] is share:
            latest = self._asked_before
        return latest is not None and latest[1] is not share and self._clock() - latest[0] < _RECENT_SECONDS

    def _others_active(self, share: Share) -> bool:
        since = self._clock() - _ACTIVE_SECONDS
        return any(other.seen_at > since for other in reversed(self._shares.values()) if other is not share)
