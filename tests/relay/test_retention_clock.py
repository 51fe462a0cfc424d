"""The retention clock does not jump: a wall clock far ahead is rejected for a day."""

import asyncio
from pathlib import Path

import pytest

from gateway.bootstrap.log import maintain
from gateway.clock import Clock
from gateway.log.sqlite import SqliteLog
from gateway.partners import Partners
from gateway.protocol.decide import MARKER_LIFE_MS
from gateway.protocol.topic import COMMON, DAY_MS, SUBMISSIONS
from gateway.store.trusted_clock import (
    REJECTION_MS,
    STEP_MS,
    STOP_MS,
    RetentionClock,
)
from tests.harness import running, until
from tests.log.contract.log_fixture import read, records
from tests.relay.conftest import RelayHarness

NOW = 1_796_000_000_000
HOUR = 3_600_000
YEAR = 365 * DAY_MS


class Machine:
    """A machine with both clocks, whose gateway can be started again."""

    def __init__(self, folder: Path, since: int | None = None, boot: str | None = None) -> None:
        self.wall, self.steady = NOW, 0
        self.boot = boot
        self.file = folder / "clock.json"
        self.since = since
        self.start()

    def start(self) -> None:
        self.clock = RetentionClock(
            self.file, wall=lambda: self.wall, steady=lambda: self.steady, since=self.since, boot=self.boot
        )

    def runs(self, milliseconds: int, *, step: int = HOUR) -> None:
        """Time passes while the gateway works."""
        for _ in range(milliseconds // step):
            self.wall += step
            self.steady += step
            self.clock()

    async def keep(self) -> None:
        """The file that a running gateway writes each minute."""
        before = self.file.read_bytes() if self.file.exists() else b""
        async with running(self.clock.run()):
            await until(lambda: self.file.exists() and self.file.read_bytes() != before)

    @property
    def behind(self) -> int:
        """Milliseconds by which the accepted time is behind the wall clock."""
        return self.wall - self.clock()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_correct_clock_is_accepted(machine: Machine) -> None:
    machine.runs(40 * DAY_MS)
    assert 0 == machine.behind
    machine.wall += STEP_MS // 2
    assert 0 == machine.behind


@pytest.mark.parametrize("jump", [2 * HOUR, DAY_MS, 40 * DAY_MS, 10 * YEAR])
def test_a_jump_ahead_is_accepted_only_after_a_day(machine: Machine, jump: int) -> None:
    machine.clock()
    machine.wall += jump
    assert jump == machine.behind
    machine.runs(REJECTION_MS - HOUR)
    assert jump == machine.behind
    machine.runs(HOUR)
    assert 0 == machine.behind


@pytest.mark.parametrize("jump", [2 * HOUR, 10 * YEAR])
def test_a_corrected_clock_is_accepted_at_once(machine: Machine, jump: int) -> None:
    machine.clock()
    machine.wall += jump
    machine.runs(20 * HOUR)
    machine.wall -= jump
    assert 0 == machine.behind
    machine.wall += jump
    machine.runs(REJECTION_MS - HOUR)
    assert jump == machine.behind, "an earlier doubt does not count"


def test_a_clock_that_goes_back_counts_at_once_and_permits_no_jump(machine: Machine) -> None:
    machine.clock()
    machine.wall -= YEAR
    assert 0 == machine.behind
    machine.wall += 11 * YEAR
    assert 10 * YEAR == machine.behind


async def test_a_restart_does_not_bypass_a_rejection(machine: Machine) -> None:
    machine.clock()
    await machine.keep()
    machine.wall += YEAR
    for _ in range(20):
        machine.start()
        machine.runs(HOUR)
        await machine.keep()
        assert YEAR == machine.behind
    machine.start()
    machine.runs(5 * HOUR)
    assert 0 == machine.behind, "a day of running in all"


async def test_a_weekends_stop_is_accepted_at_once_and_a_longer_one_a_day_later(machine: Machine) -> None:
    machine.clock()
    await machine.keep()
    machine.wall += STOP_MS
    machine.start()
    assert 0 == machine.behind
    await machine.keep()
    machine.wall += STOP_MS + HOUR
    machine.start()
    assert STOP_MS + HOUR == machine.behind
    machine.runs(REJECTION_MS)
    assert 0 == machine.behind


async def test_a_long_stop_on_a_running_machine_is_accepted_at_once(tmp_path: Path) -> None:
    machine = Machine(tmp_path, boot="one")
    machine.runs(DAY_MS)
    await machine.keep()
    machine.wall += 30 * DAY_MS
    machine.steady += 30 * DAY_MS
    machine.start()
    assert 0 == machine.behind


@pytest.mark.parametrize("boot", ["another", None])
async def test_after_a_reboot_the_monotonic_clock_is_not_used(tmp_path: Path, boot: str | None) -> None:
    machine = Machine(tmp_path, boot="one")
    machine.runs(DAY_MS)
    await machine.keep()
    machine.wall += 30 * DAY_MS
    machine.steady = 30 * DAY_MS
    machine.boot = boot
    machine.start()
    assert 30 * DAY_MS == machine.behind


async def test_a_jump_during_a_stop_is_rejected_though_the_monotonic_clock_ran(tmp_path: Path) -> None:
    machine = Machine(tmp_path, boot="one")
    machine.clock()
    await machine.keep()
    machine.wall += 30 * DAY_MS + YEAR
    machine.steady += 30 * DAY_MS
    machine.start()
    assert YEAR == machine.behind
    machine.runs(REJECTION_MS)
    assert 0 == machine.behind


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"believed": "x"}', b'{"believed": null, "doubted": 0}'])
def test_without_a_readable_file_the_newest_record_of_the_log_counts(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "clock.json").write_bytes(content)
    assert 0 == Machine(tmp_path).behind
    assert 0 == Machine(tmp_path, since=NOW - DAY_MS).behind
    assert YEAR == Machine(tmp_path, since=NOW - YEAR).behind


async def test_the_log_deletes_nothing_by_a_clock_far_ahead(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    log = await SqliteLog.open(tmp_path / "log.sqlite", clock=lambda: machine.wall)
    await log.create_topics(COMMON)
    await log.append(SUBMISSIONS, 0, records(2))
    assert NOW == await log.newest()
    machine.clock()
    machine.wall += 40 * DAY_MS
    await log.append(SUBMISSIONS, 0, records(1))
    await _maintain(log, machine.clock)
    assert 3 == len(await read(log, SUBMISSIONS))
    machine.runs(REJECTION_MS)
    await _maintain(log, machine.clock)
    assert 1 == len(await read(log, SUBMISSIONS, position=(await log.starts(SUBMISSIONS))[0]))
    await log.close()


async def _maintain(log: SqliteLog, at: Clock) -> None:
    """One round of the gateway's maintenance, which asks for the time once each."""
    rounds = 0

    def asked() -> int:
        nonlocal rounds
        rounds += 1
        return at()

    partners = Partners(log)
    async with running(maintain(log, partners, asked, every=0.01)):
        await until(lambda: rounds >= 2)
    await partners.close()


async def test_no_offer_expires_and_no_marker_leaves_by_a_clock_far_ahead(
    harness: RelayHarness, tmp_path: Path
) -> None:
    """[REV-007]"""
    machine = Machine(tmp_path)
    machine.clock()
    await harness.submit(harness.publish(1, 1), harness.publish(2, 1))
    harness.start(upkeep_seconds=0.02, upkeep_clock=machine.clock)
    await harness.settled()
    await harness.submit(harness.withdraw(2, 2))
    await harness.settled()
    machine.wall += MARKER_LIFE_MS + YEAR
    await asyncio.sleep(0.3)
    await harness.settled()
    states = await harness.offers()
    assert [None, "filled"] == [states[f"bretagne:{n}"].known.reason for n in (1, 2)]
    assert 3 == len(await harness.receipts())
