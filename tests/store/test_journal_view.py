"""The journal view: pages of entries, the newest first, by each filter."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.log.port import Chunk
from gateway.protocol.journal import GENESIS, JournalEntry, JournalFilter, entry_record
from gateway.protocol.record import StoredRecord
from gateway.protocol.topic import DAY_MS
from gateway.store import JournalView
from tests.store.offer_topic import LOG, PARTITIONS

DAY = 20_000 * DAY_MS


@pytest.fixture
async def view(tmp_path: Path) -> AsyncIterator[JournalView]:
    view = await JournalView.open(tmp_path / "journal.sqlite", log_identity=LOG, partitions=PARTITIONS)
    await view.apply([chunk(*range(1, 8))])
    yield view
    await view.close()


def chunk(*numbers: int) -> Chunk:
    records = []
    for n in numbers:
        entry = JournalEntry(
            number=n,
            previous=GENESIS,
            id=str(n),
            at=DAY + n,
            act="offer.lift" if n % 2 else "offer.moderate",
            about=f"bretagne:{n % 3}",
            person="p" if n > 3 else None,
            client="c" if n < 6 else None,
        )
        record = entry_record(entry)
        records.append(StoredRecord(n, 1, record.key, record.value))
    return Chunk("journal", 0, records, numbers[-1] + 1)


async def numbers(view: JournalView, criteria: JournalFilter, limit: int = 10) -> list[int]:
    return [entry.number for entry in (await view.page(before=None, limit=limit, criteria=criteria))[0]]


async def test_pages_follow_one_another_to_the_first_entry(view: JournalView) -> None:
    found: list[list[int]] = []
    before: int | None = None
    more = True
    while more:
        page, before, more = await view.page(before=before, limit=3, criteria=JournalFilter())
        found.append([entry.number for entry in page])
    assert [[7, 6, 5], [4, 3, 2], [1]] == found
    assert ((), 1, False) == await view.page(before=1, limit=3, criteria=JournalFilter())


async def test_every_filter_selects_as_the_pure_one_does(view: JournalView) -> None:
    every = (await view.page(before=None, limit=10, criteria=JournalFilter()))[0]
    for criteria in (
        JournalFilter(acts=frozenset({"offer.moderate"})),
        JournalFilter(about="bretagne:1"),
        JournalFilter(persons=frozenset({"p", "q"})),
        JournalFilter(persons=frozenset()),
        JournalFilter(client="c"),
        JournalFilter(since=DAY + 3, until=DAY + 6),
        JournalFilter(acts=frozenset({"offer.lift"}), about="bretagne:1", persons=frozenset({"p"}), since=DAY),
    ):
        assert [entry.number for entry in every if criteria.selects(entry)] == await numbers(view, criteria)


async def test_an_unreadable_entry_is_left_out(view: JournalView) -> None:
    await view.apply([Chunk("journal", 0, [StoredRecord(8, 1, b"8", b"no entry")], 9)])
    assert [7, 6, 5, 4, 3, 2, 1] == await numbers(view, JournalFilter())


async def test_records_that_are_read_again_change_nothing(view: JournalView) -> None:
    await view.apply([chunk(*range(3, 9))])
    assert [8, 7, 6, 5, 4, 3, 2, 1] == await numbers(view, JournalFilter())


async def test_entries_go_with_those_of_the_log(view: JournalView) -> None:
    await view.trim([4, *[0] * (PARTITIONS - 1)], DAY + 9_999 * DAY_MS)  # whatever the clock says
    assert [7, 6, 5, 4] == await numbers(view, JournalFilter())
