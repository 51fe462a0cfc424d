"""Retries of transient errors."""

import asyncio
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from gateway.errors import LogUnavailableError
from gateway.log.retry import MAX_SECONDS, SUCCESS_SECONDS, retry
from tests.harness import until
from tests.relay.skipping import run_without_waiting

ON = (LogUnavailableError,)


class Work:
    """Fails ``times`` times, at the given instants a success, and notes when each attempt began."""

    def __init__(self, times: int, *, successes: frozenset[int] = frozenset(), lasting: float = 0.0) -> None:
        self.began: list[float] = []
        self._times = times
        self._successes = successes
        self._lasting = lasting

    def succeeded(self) -> bool:
        return len(self.began) in self._successes

    async def do(self) -> str:
        self.began.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self._lasting)
        if len(self.began) <= self._times:
            raise LogUnavailableError("away")
        return "done"

    @property
    def pauses(self) -> list[float]:
        return [after - before - self._lasting for before, after in pairwise(self.began)]


def waits(work: Work) -> list[float]:
    async def run() -> None:
        assert "done" == await retry("test", work.do, on=ON, succeeded=work.succeeded)

    run_without_waiting(run)
    return work.pauses


def test_pauses_grow_from_a_tenth_of_a_second_with_jitter() -> None:
    pauses = waits(Work(4))
    assert all(least <= pause <= least + 0.26 for least, pause in zip([0.1, 0.2, 0.4, 0.8], pauses, strict=True))


def test_a_backoff_stays_at_its_cap_until_a_success() -> None:
    """It began again from zero each time after reaching five seconds: an unavailable log got bursts of requests."""
    pauses = waits(Work(1_200, successes=frozenset({1_100})))
    assert pytest.approx([MAX_SECONDS] * 1_093) == pauses[6:1_099]
    assert pytest.approx(0.0) == pauses[1_099]
    assert 0.1 <= pauses[1_100] <= 0.36


def test_an_attempt_that_has_lasted_is_a_success() -> None:
    assert pytest.approx([0.0] * 5, abs=1e-6) == waits(Work(5, lasting=SUCCESS_SECONDS + 1))


def test_each_retry_is_one_log_event() -> None:
    with capture_logs() as lines:
        waits(Work(3, successes=frozenset({2})))
    assert [("test", 1), ("test", 0), ("test", 1)] == [(line["part"], line["number"]) for line in lines]
    assert {"retry.scheduled"} == {line["event"] for line in lines}


async def cancelled(task: asyncio.Task[str], work: Work) -> None:
    """Once the work has begun."""
    await until(lambda: work.began)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_caller_cancelled_between_two_attempts_is_cancelled() -> None:
    work = Work(1_000)
    task = asyncio.create_task(retry("test", work.do, on=ON))
    await cancelled(task, work)


async def test_a_caller_cancelled_within_an_attempt_is_cancelled() -> None:
    work = Work(0, lasting=3_600, successes=frozenset({1}))
    task = asyncio.create_task(retry("test", work.do, on=ON, succeeded=work.succeeded))
    await cancelled(task, work)
