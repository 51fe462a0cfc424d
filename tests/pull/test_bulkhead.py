"""An unexpected error caused by one feed is reported in its run, and does not end the gateway."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.pull.pull import Pull
from adapters.pull.transport_factory import Secrets, TransportFactory
from adapters.transport.feed import Feed, FetchLimits, Validators
from gateway.errors import LogUnavailableError
from gateway.ingest.snapshot import Snapshots
from gateway.protocol.seal import ReceiptIds, Seal
from tests.memory_log import MemoryLog
from tests.pull.pull_harness import SECRET, PullHarness, failure, pull_harness

pytestmark = pytest.mark.slow


class Treacherous(Feed):
    """A feed whose bytes cannot be read again."""

    def part(self, begin: int, end: int) -> Iterator[bytes]:  # noqa: ARG002  # as its base has it
        raise RecursionError("a fault of ours")


class FailingTransport:
    async def fetch(self, known: Validators, limits: FetchLimits) -> Feed:  # noqa: ARG002  # the port's shape
        file = (limits.folder / "feed").open("w+b")
        (limits.folder / "feed").unlink()
        return Treacherous(file=file, size=0, digest="x", gzipped=False, validators={})


class FailingTransportFactory(TransportFactory):
    def transport(self, profile: object) -> FailingTransport:  # noqa: ARG002  # any profile
        return FailingTransport()


class AwayLog(MemoryLog):
    """A log that is unavailable as soon as its ends are requested."""

    async def ends(self, topic: str) -> tuple[int, ...]:
        raise LogUnavailableError(f"{topic} is away")


@pytest.fixture
async def bretagne(tmp_path: Path) -> AsyncIterator[PullHarness]:
    async with pull_harness(tmp_path) as here:
        here.offers(1)
        yield here


async def test_an_unexpected_error_is_reported_in_the_run_and_changes_nothing(bretagne: PullHarness) -> None:
    await bretagne.run()
    before = await bretagne.live()
    bretagne._pull = Pull(replace(bretagne.means, transports=FailingTransportFactory(secrets=Secrets({}))))
    run = await bretagne.run(ordered=True)
    assert ("failed", "feed-broke-the-reader") == (run.outcome, failure(run).code)
    assert before == await bretagne.live()


async def test_an_unavailable_log_is_no_fault_of_the_feed(bretagne: PullHarness) -> None:
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
