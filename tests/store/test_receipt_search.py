"""Searching receipts: results, order, and a cost in proportion to the results."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.log.port import Chunk
from gateway.protocol.record import Record, StoredRecord, read_utc
from gateway.store import ReceiptView
from gateway.store.receipt_search import ReceiptFilter
from tests.store.offer_topic import LOG, PARTITIONS, decided_at, receipt_record

VERDICTS = ("accepted", "duplicate", "stale", "rejected")


def chunk(partition: int, records: Sequence[Record], first: int = 0, *, at: int | None = None) -> Chunk:
    """``at`` is the time of the decision (ms); None: at once."""
    stored = [
        StoredRecord(first + n, decided_at(record) if at is None else at, record.key, record.value)
        for n, record in enumerate(records)
    ]
    return Chunk("receipts", partition, stored, first + len(records))


async def names(view: ReceiptView, *, limit: int = 3, newest: bool = False, **criteria: Any) -> list[str]:
    """All receipts that are found, page by page."""
    found: list[str] = []
    after, more = None, True
    while more:
        page, after, more = await view.page(
            "bretagne", after=after, limit=limit, criteria=ReceiptFilter(**criteria), newest=newest
        )
        assert len(page) == limit or not more
        found += [receipt["receipt"] for receipt in page]
    return found


async def filled(view: ReceiptView) -> list[dict[str, Any]]:
    """Thirty receipts a second apart over all partitions, and what each is."""
    bodies = [
        {"verdict": VERDICTS[n % 4], "problems": [{}] if n % 5 == 0 else [], "batch": f"b{n % 2:016}"}
        for n in range(30)
    ]
    for partition in range(PARTITIONS):
        own = range(partition, 30, PARTITIONS)
        records = [receipt_record(f"r{n:02}", f"bretagne:{n % 7}", "bretagne", second=n, **bodies[n]) for n in own]
        await view.apply([chunk(partition, records)])
    return bodies


async def test_every_filter_matches_a_scan_of_all_receipts(receipts: ReceiptView) -> None:
    """RCP-007, RCP-008: alone and together, in both orders, over pages of several sizes."""
    bodies = await filled(receipts)
    since = read_utc("2027-01-15T08:00:13.000Z")
    for verdicts in (frozenset[str](), frozenset({"stale"}), frozenset({"accepted", "rejected"})):
        for problems in (None, True, False):
            for offer in (None, 3):
                for batch in (None, 1):
                    for start in (None, since):
                        criteria: dict[str, Any] = {
                            "verdicts": verdicts,
                            "problems": problems,
                            "offer_id": offer and f"bretagne:{offer}",
                            "upload": batch and f"b{batch:016}",
                            "since": start,
                        }
                        expected = [
                            f"r{n:02}"
                            for n, body in enumerate(bodies)
                            if (not verdicts or body["verdict"] in verdicts)
                            and problems in {None, bool(body["problems"])}
                            and offer in {None, n % 7}
                            and batch in {None, n % 2}
                            and (start is None or n >= 13)
                        ]
                        assert expected == await names(receipts, **criteria), criteria
                        assert expected[::-1] == await names(receipts, limit=4, newest=True, **criteria), criteria


async def test_a_clock_that_went_back_hides_nothing(receipts: ReceiptView) -> None:
    """RCP-007: decisions after a time are found although an earlier receipt has a later time."""
    ahead = receipt_record("ahead", "bretagne:1", "bretagne", second=50)
    records = [receipt_record(f"r{n}", "bretagne:1", "bretagne", second=n) for n in range(5)]
    await receipts.apply([chunk(0, [ahead]), chunk(0, records[:2], first=1)])
    await receipts.apply([chunk(0, records[2:], first=3)])
    assert ["ahead", "r3", "r4"] == await names(receipts, since=read_utc("2027-01-15T08:00:03.000Z"))
    assert ["r4", "r3", "r2", "r1", "r0", "ahead"] == await names(receipts, newest=True), "the order of the log"


async def test_what_is_decided_late_is_found_by_the_time_of_its_decision(receipts: ReceiptView) -> None:
    """RCP-007: a submission that waited for the relay is not missed by a publisher that looked meanwhile."""
    looked, decided = read_utc("2027-01-15T08:00:30.000Z"), read_utc("2027-01-15T08:00:40.000Z")
    await receipts.apply([chunk(0, [receipt_record("seen", "bretagne:1", "bretagne", second=20)])])
    late = [receipt_record("late", "bretagne:2", "bretagne", second=10, snapshot=f"s{0:016}")]
    await receipts.apply([chunk(0, late, first=1, at=decided)])
    await receipts.apply([chunk(1, [receipt_record("new", "bretagne:3", "bretagne", second=35)])])
    for newest in (False, True):
        expected = ["new", "late"][:: -1 if newest else 1]
        assert expected == await names(receipts, limit=1, newest=newest, since=looked)
        assert ["late"] == await names(receipts, newest=newest, since=decided)
        assert ["late"] == await names(receipts, newest=newest, since=looked, offer_id="bretagne:2")
        assert ["late"] == await names(receipts, newest=newest, since=looked, upload=f"s{0:016}")
        assert [] == await names(receipts, newest=newest, since=decided + 1)


async def test_a_search_is_the_same_in_a_process_that_follows(tmp_path: Path) -> None:
    """RCP-008: whichever worker is asked."""
    view = await ReceiptView.open(tmp_path / "r.sqlite", log_identity=LOG, partitions=PARTITIONS)
    await filled(view)
    followed = await ReceiptView.follow(tmp_path / "r.sqlite", log_identity=LOG, partitions=PARTITIONS)
    for criteria in ({}, {"verdicts": frozenset({"rejected"})}, {"upload": f"b{1:016}"}):
        for newest in (False, True):
            assert await names(view, newest=newest, **criteria) == await names(followed, newest=newest, **criteria)
    assert {"r00", "r07"} == set(await followed.outcomes(["r00", "r07", "none"]))
    await followed.close()
    await view.close()


async def test_outcomes_of_many_receipts_are_returned_at_once(receipts: ReceiptView) -> None:
    """PUB-018: the verdict of each that is there; why, where it is stale or rejected."""
    await filled(receipts)
    found = await receipts.outcomes([f"r{n:02}" for n in range(4)] + ["missing"])
    assert {"r00": "accepted", "r01": "duplicate", "r02": "stale", "r03": "rejected"} == {
        name: receipt["verdict"] for name, receipt in found.items()
    }
    assert ["problems" in found[f"r{n:02}"] for n in range(4)] == [False, False, True, True]


async def steps(view: ReceiptView, **criteria: Any) -> int:
    """How many thousand instructions of SQLite a first page of ten takes."""
    count = 0

    def tick() -> int:
        nonlocal count
        count += 1
        return 0

    await view.copy.read(lambda db: db.set_progress_handler(tick, 1_000))
    newest = criteria.pop("newest", False)
    await view.page("bretagne", after=None, limit=10, criteria=ReceiptFilter(**criteria), newest=newest)
    await view.copy.read(lambda db: db.set_progress_handler(None, 0))
    return count


async def test_a_search_costs_as_much_as_it_shows_however_long_the_history_is(receipts: ReceiptView) -> None:
    """RCP-007: a rare verdict, an offer, an upload, the last minute and nothing at all among 30,000 receipts."""
    for part in range(10):
        records = [
            receipt_record(
                f"r{part}-{n}",
                f"bretagne:{part}-{n}",
                "bretagne",
                second=5 * part,
                verdict="rejected" if n == 7 else "accepted",
                snapshot=f"s{part:016}",
            )
            for n in range(3_000)
        ]
        await receipts.apply([chunk(0, records, first=3_000 * part)])
    for criteria in (
        {},
        {"newest": True},
        {"verdicts": frozenset({"rejected"})},
        {"verdicts": frozenset({"stale", "rejected"}), "newest": True},
        {"problems": True},
        {"offer_id": "bretagne:4-5"},
        {"upload": f"s{9:016}"},
        {"upload": f"s{9:016}", "verdicts": frozenset({"rejected"})},
        {"upload": "none"},
        {"since": read_utc("2027-01-15T08:00:45.000Z")},
        {"since": read_utc("2027-01-15T08:00:45.000Z"), "verdicts": frozenset({"rejected"})},
        {"since": read_utc("2028-01-15T08:00:45.000Z")},
    ):
        assert await steps(receipts, **criteria) < 20, criteria


async def test_moderations_are_found_among_any_number_of_receipts(receipts: ReceiptView) -> None:
    """WDR-007: those with the operator's reason, by an index of their own; of another platform none."""
    await filled(receipts)
    gateway: dict[str, Any] = {"verdict": "accepted", "problems": []}
    moderated = [
        receipt_record(f"m{n}", offer_id, "gateway", second=40 + n, **gateway, moderation={"action": "moderate"})
        for n, offer_id in enumerate(("bretagne:1", "normandie:1", "bretagne:2"))
    ]
    expired = receipt_record("expired", "bretagne:3", "gateway", second=50, **gateway)
    await receipts.apply([chunk(0, [*moderated, expired], first=10)])
    assert ["m0", "m2"] == await names(receipts, moderation=True)
    accepted = frozenset({"accepted"})
    assert ["m2", "m0"] == await names(receipts, moderation=True, verdicts=accepted, limit=1, newest=True)
    assert [] == await names(receipts, moderation=True, verdicts=frozenset({"stale"}))
    assert ["m2"] == await names(receipts, moderation=True, since=read_utc("2027-01-15T08:00:41.000Z"))
