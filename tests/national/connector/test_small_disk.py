"""A full disk under the connector's copies is an outage that passes: nothing ends, nothing is lost."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.national.delivery.outbox import Outbox
from adapters.national.inbound.state import InboundState
from adapters.national.site.accounts import SearchAccount
from gateway.errors import LogUnavailableError
from gateway.protocol.identity import partition_of
from gateway.protocol.record import Record
from gateway.protocol.topic import COMMON, OFFERS
from gateway.runtime.sqlite_damage import DamagedCopyError
from tests.faults.disk import SmallDisk, disk_unavailable, small_disk
from tests.memory_log import MemoryLog
from tests.national.connector.conftest import Make
from tests.national.connector.harness import document, eventually
from tests.national.connector.test_inbound import MADE
from tests.store.offer_topic import OfferTopic, offer_of

pytestmark = pytest.mark.slow


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    unavailable = disk_unavailable(tmp_path)
    if unavailable:
        pytest.skip(unavailable)
    with small_disk(tmp_path / "disk", megabytes=2) as found:
        yield found


def test_the_outbox_continues_once_there_is_space(disk: SmallDisk) -> None:
    outbox = Outbox(disk.folder / "outbox-shared.sqlite", log="one")
    outbox.put_offer("bretagne:1", "bretagne", b"{}")
    outbox.keep({(OFFERS, 0): 1})
    disk.fill()
    with pytest.raises(LogUnavailableError, match="free space") as failed, outbox.guarded():  # noqa: PT012  # which call fails depends on the disk
        for number in range(50_000):
            outbox.put_offer(f"bretagne:{number}", "bretagne", b"x" * 500)
            outbox.keep({(OFFERS, 0): number})
    assert not isinstance(failed.value, DamagedCopyError)
    disk.free()
    outbox.drop()
    with outbox.guarded():
        outbox.put_offer("bretagne:new", "bretagne", b"{}")
        outbox.keep({(OFFERS, 0): 60_000})
        assert 60_000 == outbox.position(OFFERS, 0)
        assert {"bretagne:1", "bretagne:new"} <= set(outbox.ids())
    outbox.close()


async def test_the_inbound_state_continues_once_there_is_space(disk: SmallDisk) -> None:
    log = MemoryLog(partitions=1)
    await log.create_topics(COMMON)
    offer_topic = OfferTopic(1)
    for number in range(800):
        offer_id = f"bretagne:{number}"
        offer_topic.publish(offer_of(offer_id, apply_url=f"https://stages.example/{'x' * 300}/{number}"))
    records = [record for lane in offer_topic.lanes for record in lane]
    state = InboundState(disk.folder / "inbound.sqlite", log="one")
    disk.fill()
    for record in records:
        await log.append(
            OFFERS, partition_of((record.key or b"").decode(), 1), [Record(record.key, record.value, record.headers)]
        )
    with pytest.raises(LogUnavailableError, match="free space") as failed, state.guarded():
        await state.catch_up(log, await log.ends(OFFERS))
    assert not isinstance(failed.value, DamagedCopyError)
    disk.free()
    state.drop()
    with state.guarded():
        await state.catch_up(log, await log.ends(OFFERS))
        assert "bretagne:7" == state.linked(f"https://stages.example/{'x' * 300}/7")
    state.close()


async def test_an_unusable_copy_of_the_site_does_not_stop_other_work(make_harness: Make, disk: SmallDisk) -> None:
    """Offers are delivered, the note gives the reason why the scan fails, and the next attempt continues."""
    harness = await make_harness(speed=6_000.0, rights={"full_access": True})
    harness.accounts = replace(harness.accounts, search=SearchAccount("shared", minutes=60, others=False))
    harness.relay()
    (harness.folder / "national").mkdir()
    (harness.folder / "national" / "inbound.sqlite").symlink_to(disk.folder / "inbound.sqlite")
    disk.fill()
    row = harness.simulator.publish_on_site(**MADE)
    await harness.start()
    await harness.publish(document("bretagne:1"))

    await eventually(lambda: harness.calls("POST") > 0)
    cause = "inbound.sqlite cannot be used"
    await eventually(lambda note: cause in note.get("search", {}).get("error", ""), of=harness.note)
    disk.free()
    await eventually(lambda offers: f"national:{row.id}" in offers, of=harness.offers)
