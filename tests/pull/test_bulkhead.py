"""A fault of ours that one feed brings out is told in its run, and does not end the gateway."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.pull.pull import Pull
from adapters.pull.transport_factory import Secrets, TransportFactory
from adapters.transport.feed import Feed, FetchLimits, Validators
from gateway.errors import LogUnavailableError
from gateway.ingest.snapshot import Snapshots
from gateway.log.memory import MemoryLog
from gateway.protocol.seal import ReceiptIds, Seal
from tests.pull.ground import SECRET, Ground, ground


class Treacherous(Feed):
    """A feed whose bytes cannot be had again."""

    def blocks(self) -> Iterator[bytes]:
        raise RecursionError("a fault of ours")


class TreacherousWay:
    async def fetch(self, known: Validators, limits: FetchLimits) -> Feed:  # noqa: ARG002  # the port's shape
        file = (limits.folder / "feed").open("w+b")
        (limits.folder / "feed").unlink()
        return Treacherous(file=file, size=0, digest="x", gzipped=False, validators={})


class TreacherousWays(TransportFactory):
    def transport(self, profile: object) -> TreacherousWay:  # noqa: ARG002  # any profile
        return TreacherousWay()


class AwayLog(MemoryLog):
    """A log that is away as soon as its ends are asked for."""

    async def ends(self, topic: str) -> tuple[int, ...]:
        raise LogUnavailableError(f"{topic} is away")


@pytest.fixture
async def bretagne(tmp_path: Path) -> AsyncIterator[Ground]:
    async with ground(tmp_path) as here:
        here.offers(1)
        yield here


async def test_a_fault_of_ours_is_told_in_the_run_and_changes_nothing(bretagne: Ground) -> None:
    await bretagne.run()
    before = await bretagne.live()
    bretagne._pull = Pull(replace(bretagne.means, transports=TreacherousWays(secrets=Secrets({}))))
    run = await bretagne.run(ordered=True)
    assert run.last_error is not None
    assert ("failed", "feed-broke-the-reader") == (run.outcome, run.last_error.code)
    assert before == await bretagne.live()


async def test_a_log_that_is_away_is_no_fault_of_the_feed(bretagne: Ground) -> None:
    means = bretagne.means
    away = Snapshots(
        AwayLog(clock=means.clock),
        submissions=means.submissions,
        offers=means.offers,
        positions=means.positions,
        ids=ReceiptIds(SECRET),
        seal=Seal(SECRET, purpose="mark"),
        clock=means.clock,
    )
    bretagne._pull = Pull(replace(means, snapshots=away))
    with pytest.raises(LogUnavailableError):
        await bretagne.run()
