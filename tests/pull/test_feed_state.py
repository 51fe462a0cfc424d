"""A feed's state on ``runs``: its last run and its newest order, whatever else the partition has."""

from adapters.pull.pulls import FeedState, feed_fold
from gateway.log.request import Pending
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.source_run import (
    Order,
    Run,
    order_record,
    run_record,
)

RUN = Run(platform="bretagne", started_at=1, ended_at=2, outcome="applied")
ORDER = Order(platform="bretagne", id="o1", ordered_at=3)


def stored(*records: Record) -> list[StoredRecord]:
    """The records at offsets from 0 on, each appended at its offset times 1,000."""
    return [
        StoredRecord(offset, offset * 1_000, record.key, record.value, record.headers)
        for offset, record in enumerate(records)
    ]


def test_the_last_run_and_the_newest_order_count() -> None:
    newer = Order(platform="bretagne", id="o2", ordered_at=4)
    other = Run(platform="normandie", started_at=9, ended_at=9, outcome="failed")
    records = stored(run_record(RUN), order_record(ORDER), run_record(other), order_record(newer))
    state = feed_fold("bretagne", began=9)(FeedState(), records)
    assert FeedState(last=RUN, order=Pending(newer, 3_000)) == state


def test_an_order_has_an_age_only_if_it_precedes_its_owner() -> None:
    records = stored(order_record(ORDER), Record(b"bretagne/turn", b"{}"), order_record(ORDER))
    fold = feed_fold("bretagne", began=2)
    assert FeedState(order=Pending(ORDER, 0), began_at=1_000) == fold(FeedState(), records[:2])
    assert FeedState(order=Pending(ORDER, None), began_at=1_000) == fold(FeedState(), records)
