"""The delivery view: the delivery of each offer, and the counts of each platform."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import schemas
from gateway.log.port import Chunk
from gateway.protocol.delivery import Delivery, DeliveryPart, delivery_record
from gateway.protocol.record import Record, StoredRecord
from gateway.store import DeliveryView
from tests.store.offer_topic import LOG, PARTITIONS

ERROR = schemas.problem("not-found").to_json()


@pytest.fixture
async def view(tmp_path: Path) -> AsyncIterator[DeliveryView]:
    view = await DeliveryView.open(tmp_path / "deliveries.sqlite", log_identity=LOG, partitions=PARTITIONS)
    yield view
    await view.close()


def part(state: Any, since: int = 1, **more: Any) -> DeliveryPart:
    return DeliveryPart(
        **{"group": "lycee", "generation": 1, "account": "shared", "state": state, "since": since, **more}
    )


def delivery(offer_id: str, *parts: DeliveryPart) -> Record:
    return delivery_record(Delivery(id=offer_id, sequence=7, parts=parts))


def chunk(*records: Record, first: int = 0, partition: int = 0) -> Chunk:
    stored = [StoredRecord(first + 2 * n, 0, one.key, one.value) for n, one in enumerate(records)]
    return Chunk("deliveries", partition, stored, first + 2 * len(records))


async def states(view: DeliveryView, platform: str = "bretagne") -> dict[str, int]:
    return dict((await view.summaries())[platform].states)


async def test_a_delivery_is_found_by_its_offer(view: DeliveryView) -> None:
    await view.apply([chunk(delivery("bretagne:1", part("pending")), delivery("bretagne:2", part("delivered")))])
    assert part("pending") == (await view.get("bretagne:1") or Delivery(id="", sequence=0)).parts[0]
    assert await view.get("bretagne:3") is None
    assert {"bretagne:2"} == set(await view.find(["bretagne:2", "normandie:9"]))


async def test_deliveries_are_listed_by_state_newest_first_for_one_platform(view: DeliveryView) -> None:
    """Within a bound; an offer with two parts in the state is one delivery."""
    both = delivery("bretagne:3", part("refused", 5), part("refused", 6, group="college"))
    records = [delivery("bretagne:1", part("refused", 1)), delivery("bretagne:2", part("refused", 9)), both]
    others = [delivery("bretagne:4", part("pending", 3)), delivery("normandie:1", part("refused", 8))]
    await view.apply([chunk(*records, *others)])

    async def ids(state: str, limit: int = 10) -> list[str]:
        return [one.id for one in await view.listed("bretagne", state, limit)]

    assert ["bretagne:2", "bretagne:3", "bretagne:1"] == await ids("refused")
    assert ["bretagne:2"] == await ids("refused", 1)
    assert (["bretagne:4"], []) == (await ids("pending"), await ids("delivered"))


async def test_numbers_follow_every_change_of_state(view: DeliveryView) -> None:
    await view.apply([chunk(delivery("bretagne:1", part("pending")), delivery("bretagne:2", part("pending")))])
    await view.apply([chunk(delivery("normandie:1", part("refused")), partition=1)])
    assert ({"pending": 2}, {"refused": 1}) == (await states(view), await states(view, "normandie"))
    await view.apply([chunk(delivery("bretagne:1", part("delivered")), first=10)])
    assert {"pending": 1, "delivered": 1} == await states(view)
    await view.apply([chunk(Record(b"bretagne:2", None), first=20)])
    assert {"delivered": 1} == await states(view)


async def test_only_the_last_generation_of_each_part_is_counted(view: DeliveryView) -> None:
    """NAT-007: an offer for both is two there."""
    both = delivery(
        "bretagne:1",
        part("dead", generation=1),
        part("delivered", generation=2),
        part("refused", group="college", problems=(ERROR,)),
    )
    await view.apply([chunk(both)])
    assert {"delivered": 1, "refused": 1} == await states(view)


async def test_the_last_record_of_a_batch_counts_and_applied_records_are_skipped(view: DeliveryView) -> None:
    records = [delivery("bretagne:1", part("pending")), delivery("bretagne:1", part("delivered"))]
    await view.apply([chunk(*records)])
    await view.apply([chunk(*records)])
    assert {"delivered": 1} == await states(view)


async def test_the_connectors_own_notes_are_no_deliveries(view: DeliveryView) -> None:
    noted = Record(b"account/shared", b'{"down": false}'), Record(b"account/old", b"{}"), Record(b"account/old", None)
    await view.apply([chunk(*noted, Record(b"order/shared/1", b"{}"), delivery("bretagne:1", part("pending")))])
    assert ({"pending": 1}, {"shared": {"down": False}}) == (await states(view), await view.accounts())


async def test_a_summary_names_the_longest_wait_and_the_last_event(view: DeliveryView) -> None:
    """A part whose day has not come does not wait."""
    refused = part("refused", since=50, problems=(ERROR,))
    await view.apply(
        [
            chunk(
                delivery("bretagne:1", part("pending", since=30)),
                delivery("bretagne:2", part("pending", since=10, until="2027-07-01")),
                delivery("bretagne:3", part("delivered", since=40)),
                delivery("bretagne:4", part("refused", since=20)),
                delivery("bretagne:5", refused),
            )
        ]
    )
    summary = (await view.summaries())["bretagne"]
    assert (30, 40, refused) == (summary.due_since, summary.delivered_at, summary.refused)


async def test_deliveries_of_a_period_are_counted_by_platform(view: DeliveryView) -> None:
    """From its first instant on; what the site no longer holds does not count, nor what it never took."""
    before, first, after = part("delivered", 9), part("delivered", 10), part("delivered", 11, group="college")
    records = [delivery("bretagne:1", before), delivery("bretagne:2", first, after)]
    records += [delivery("bretagne:3", part("withdrawn", 11)), delivery("normandie:1", part("pending", 11))]
    records += [delivery("occitanie:1", part("delivered", 12))]
    await view.apply([chunk(*records)])
    assert {"bretagne": 2, "occitanie": 1} == await view.delivered_since(10)
    assert {} == await view.delivered_since(13)


async def test_the_view_survives_a_restart_and_can_be_emptied(tmp_path: Path) -> None:
    path = tmp_path / "deliveries.sqlite"
    view = await DeliveryView.open(path, log_identity=LOG, partitions=PARTITIONS)
    await view.apply([chunk(delivery("bretagne:1", part("delivered")))])
    await view.close()
    again = await DeliveryView.open(path, log_identity=LOG, partitions=PARTITIONS)
    assert ({"delivered": 1}, view.positions) == (await states(again), again.positions)
    await again.wipe((0,) * PARTITIONS, now=0)
    assert ({}, None) == (await again.summaries(), await again.get("bretagne:1"))
    await again.close()


async def test_another_process_can_follow_it(view: DeliveryView, tmp_path: Path) -> None:
    await view.apply([chunk(delivery("bretagne:1", part("delivered")))])
    followed = await DeliveryView.follow(tmp_path / "deliveries.sqlite", log_identity=LOG, partitions=PARTITIONS)
    assert {"delivered": 1} == await states(followed)
    await followed.close()
