"""The backlog: undecided submissions of each platform, bounded while other platforms submit.

A partition is decided in log order: thousands of submissions at once from one platform would delay the decisions of all
others. Each process counts its own appends, and reads the relay's progress from the positions on the log. Activity of
other platforms is shared by the processes of a gateway (``Activity``); that at other gateways shows in receipts. A
platform that submits alone has no bound.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from gateway.log.port import Chunk, Output, Owner
from gateway.log.positions import Positions
from gateway.protocol.topic import SUBMISSIONS
from gateway.runtime.activity import Activity, key_of

SHARE = 200
"""Bound of undecided submissions of one platform on one partition, while others submit."""
INBOX_AHEAD = 1_000
"""The same for an inbox whose platform is alone: reading further ahead of the relay gains nothing."""
_RECENT_SECONDS = 10.0
_MAX_WAIT_SECONDS = 5.0
"""A relay that decides nothing for this long is no reason to hold submissions back."""
_MAX_APPENDS = 1_000
"""Counted appends beyond which each append drops the decided ones."""
_key_of = lru_cache(maxsize=256)(key_of)


class Backlog:
    """The undecided submissions of this process, by platform and partition."""

    def __init__(
        self, positions: Positions, activity: Activity | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._positions = positions
        self._activity = activity or Activity(table=1)
        self._clock = clock
        self._lanes: dict[tuple[str, int], _Lane] = {}

    def contested(self, platform: str) -> bool:
        """Whether another platform has submitted within the last seconds."""
        return self._activity.others_since(_key_of(platform), self._clock() - _RECENT_SECONDS)

    def full(self, platform: str, partition: int, *, alone: int | None = None) -> bool:
        """Whether the platform's undecided submissions on a partition have reached their bound; ``alone`` is the bound
        while no other platform submits.
        """
        lane = self._lanes.get((platform, partition))
        if lane is None or lane.counted < SHARE or not self._positions.caught_up:
            return False
        undecided = lane.undecided(self._positions.at(SUBMISSIONS, partition))
        bound = SHARE if undecided >= SHARE and self.contested(platform) else alone
        return bound is not None and undecided >= bound

    async def enter(self, platform: str, partition: int, number: int, *, alone: int | None = None) -> None:
        """Wait until the platform is below its bound on the partition, and count ``number`` more submissions; call
        ``append`` or ``leave`` next.
        """
        self._activity.note(_key_of(platform), self._clock())
        until = self._clock() + _MAX_WAIT_SECONDS
        while self.full(platform, partition, alone=alone) and (left := until - self._clock()) > 0:
            await self._positions.wait_for(lambda _: not self.full(platform, partition, alone=alone), seconds=left)
        self._lane(platform, partition).entering += number

    async def commit(
        self, owner: Owner, platform: str, outputs: Sequence[Output], *, alone: int | None = None
    ) -> Mapping[tuple[str, int], int]:
        """Commit the outputs of an owner once its submissions have entered. Raises as ``Owner.commit``."""
        numbers = Counter(output.partition for output in outputs if output.topic == SUBMISSIONS)
        entered: dict[int, int] = {}
        try:
            for partition, number in numbers.items():
                await self.enter(platform, partition, number, alone=alone)
                entered[partition] = number
            ends = await owner.commit(outputs)
        except BaseException:
            for partition, number in entered.items():
                self.leave(platform, partition, number)
            raise
        for partition, number in entered.items():
            self.append(platform, partition, number, end=ends[SUBMISSIONS, partition])
        return ends

    def leave(self, platform: str, partition: int, number: int) -> None:
        """Uncount entered submissions: they were not appended."""
        self._lane(platform, partition).entering -= number

    def append(self, platform: str, partition: int, number: int, *, end: int) -> None:
        """Count entered submissions as appended, below the offset ``end``."""
        lane = self._lane(platform, partition)
        lane.append(number, end)
        if lane.appends > _MAX_APPENDS:
            lane.undecided(self._positions.at(SUBMISSIONS, partition))

    def decided(self, chunks: Sequence[Chunk]) -> None:
        """Note the platforms of new receipts as active, here or at another gateway."""
        now = self._clock()
        for platform in {(record.key or b"").partition(b":")[0] for chunk in chunks for record in chunk.records}:
            self._activity.note(_key_of(platform.decode(errors="replace")), now)

    def _lane(self, platform: str, partition: int) -> "_Lane":
        return self._lanes.setdefault((platform, partition), _Lane())


class _Lane:
    """The submissions of one platform on one partition: those about to be appended, and the appended ones."""

    __slots__ = ("_appended", "_number", "entering")

    def __init__(self) -> None:
        self.entering = 0
        self._appended: deque[tuple[int, int]] = deque()
        self._number = 0

    @property
    def appends(self) -> int:
        """The number of counted appends."""
        return len(self._appended)

    @property
    def counted(self) -> int:
        """At least the number of undecided submissions: those that were decided since the last look are among them."""
        return self._number + self.entering

    def append(self, number: int, end: int) -> None:
        """Count ``number`` of those entering as appended, below the offset ``end``."""
        self.entering -= number
        self._appended.append((end, number))
        self._number += number

    def undecided(self, position: int) -> int:
        """The number of submissions that are entering, or were appended at or after the relay's position."""
        while self._appended and self._appended[0][0] <= position:
            self._number -= self._appended.popleft()[1]
        return self._number + self.entering
