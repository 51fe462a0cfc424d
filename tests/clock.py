"""The clock of the tests."""

from datetime import date

from gateway.protocol.paris_time import paris_date

START = 1_796_000_000_000  # 2026-11-30


class ManualClock:
    """A clock that moves only when a test moves or sets it, in milliseconds."""

    def __init__(self, now: int = START) -> None:
        self.now = now
        self._passed = 0

    def __call__(self) -> int:
        return self.now

    @property
    def today(self) -> date:
        """The day in Paris."""
        return date.fromisoformat(paris_date(self.now))

    def move(self, seconds: float) -> None:
        """Time passes."""
        self.now += round(seconds * 1000)
        self._passed += round(seconds * 1000)

    async def sleep(self, seconds: float) -> None:
        """As ``move``, for code that sleeps."""
        self.move(seconds)

    def elapsed(self) -> int:
        """The time that has passed, whatever the clock was set to: a monotonic clock beside it."""
        return self._passed
