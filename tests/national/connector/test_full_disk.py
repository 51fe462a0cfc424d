"""A full disk under the connector's local copies is an outage that passes: nothing ends, and nothing is lost."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.national.delivery.outbox import Outbox
from adapters.national.inbound.state import InboundState
from gateway.errors import LogUnavailableError
from gateway.log.owner_loop import own_with_retry
from gateway.log.port import Owner
from gateway.protocol.delivery import Delivery
from gateway.protocol.topic import OFFERS
from tests.national.connector.conftest import Make
from tests.national.connector.harness import document

pytestmark = pytest.mark.slow

MANY = 300


def limit(database: sqlite3.Connection, pages: int) -> None:
    """As on a full disk: SQLite refuses to let the file grow."""
    sqlite3.Connection.execute(database, f"PRAGMA max_page_count = {pages}").fetchone()


async def test_a_scan_on_a_full_disk_is_an_outage(make_harness: Make, tmp_path: Path) -> None:
    harness = await make_harness()
    for number in range(MANY):
        await harness.publish(document(f"national:{7000 + number}"))
    state = InboundState(tmp_path / "inbound.sqlite", log="one")
    ends = await harness.log.ends(OFFERS)
    limit(state._db, 8)
    with pytest.raises(LogUnavailableError, match="free space"):
        await state.catch_up(harness.log, ends)
    limit(state._db, 100_000)
    await state.catch_up(harness.log, ends)
    assert state.live() == MANY
    state.close()


@pytest.mark.parametrize(
    "write",
    [
        lambda outbox, n: outbox.put_offer(f"bretagne:{n}", "bretagne", bytes(2_000)),
        lambda outbox, n: outbox.put_delivery(Delivery(id=f"bretagne:{n}" + "x" * 2_000, sequence=n)),
        lambda outbox, n: outbox.enqueue(f"bretagne:{n}" + "x" * 2_000, "seconde", rank=1, not_before=0, now=0),
        lambda outbox, n: outbox.put_fingerprint(f"p{n}", "x" * 2_000),
        lambda outbox, n: outbox.keep({(OFFERS, n): n, ("x" * 2_000 + str(n), 0): n}),
    ],
    ids=["offer", "delivery", "queue", "terms", "positions"],
)
def test_each_change_of_an_outbox_on_a_full_disk_is_an_outage(
    tmp_path: Path, write: Callable[[Outbox, int], None]
) -> None:
    """[DLV-001]"""
    outbox = Outbox(tmp_path / "outbox.sqlite", log="one")
    sqlite3.Connection.execute(outbox._db, "PRAGMA cache_size = 5")
    limit(outbox._db, 20)

    def write_all() -> None:
        for number in range(MANY):
            write(outbox, number)
        outbox.keep({(OFFERS, 0): 7})

    with pytest.raises(LogUnavailableError, match="free space"):
        write_all()
    outbox.drop()
    limit(outbox._db, 100_000)
    write_all()
    assert outbox.position(OFFERS, 0) == 7
    outbox.close()


async def test_work_continues_once_there_is_space(make_harness: Make, tmp_path: Path) -> None:
    """Tasks that meet the full disk restart, as after an outage of the log."""
    harness = await make_harness()
    outbox = Outbox(tmp_path / "outbox.sqlite", log="one")
    sqlite3.Connection.execute(outbox._db, "PRAGMA cache_size = 5")
    limit(outbox._db, 20)
    tries = 0

    async def work(_: Owner) -> None:
        nonlocal tries
        tries += 1
        if tries == 3:
            limit(outbox._db, 100_000)
        try:
            for number in range(MANY):
                outbox.put_offer(f"bretagne:{number}", "bretagne", bytes(2_000))
            outbox.keep({})
        finally:
            outbox.drop()
        raise ZeroDivisionError("done")

    with pytest.raises(ZeroDivisionError):
        await own_with_retry(harness.log, role="national.test", partition=0, work=work)
    assert (tries, len(list(outbox.ids("bretagne")))) == (3, MANY)
    outbox.close()


async def test_an_outbox_moves_its_write_ahead_log_in_a_thread(tmp_path: Path) -> None:
    """Its commits wait for no disk, and the file beside it does not grow with their number."""
    outbox = Outbox(tmp_path / "outbox.sqlite", log="one")
    sizes = []
    for number in range(2_400):
        outbox.put_offer(f"bretagne:{number % 10}", "bretagne", bytes(2_000))
        outbox.keep({(OFFERS, 0): number})
        await outbox.checkpoint()
        sizes.append((tmp_path / "outbox.sqlite-wal").stat().st_size)
    assert max(sizes) < 1.1 * sizes[500]
    outbox.close()
    again = Outbox(tmp_path / "outbox.sqlite", log="one")
    assert again.position(OFFERS, 0) == 2_399
    again.close()
