"""The event-log contract, topics: topics and identity, retention, compaction, tombstones."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import TopicError
from gateway.log.port import EventLog
from gateway.protocol.record import StoredRecord
from gateway.protocol.topic import COMMON, DAY_MS, OFFERS, SUBMISSIONS, Topic, feed
from tests.log.contract.log_fixture import TOPICS, LogFixture, keys, read, read_keys, record, records

texts: Callable[[list[StoredRecord]], list[tuple[str, str | None]]] = lambda stored: [  # noqa: E731
    (key, None if one.value is None else one.value.decode()) for key, one in zip(keys(stored), stored, strict=True)
]


class Keeping(LogFixture):
    """The guarantees of topics, retention and compaction."""

    async def test_a_log_without_topics_has_no_identity(self, storage: Any) -> None:
        log = await self.open_log(storage)
        try:
            with pytest.raises(TopicError, match="topics create"):
                await log.identity()
        finally:
            await log.close()

    async def test_the_identity_is_given_once_and_survives_reopening(self, log: EventLog, storage: Any) -> None:
        identity = await log.identity()
        assert len(identity) == 36
        await log.create_topics(TOPICS)
        assert identity == await log.identity()
        await log.close()
        again = await self.open_log(storage)
        try:
            await again.create_topics(TOPICS)
            assert identity == await again.identity()
        finally:
            await again.close()

    async def test_creating_topics_again_leaves_their_records(self, log: EventLog) -> None:
        await log.append(SUBMISSIONS, 0, records(2))
        await log.create_topics(TOPICS)
        assert ["k0", "k1"] == await read_keys(log, SUBMISSIONS)

    async def test_topics_can_be_added_later(self, log: EventLog, other: EventLog) -> None:
        """A topic of a new platform is there for every client at once."""
        await log.create_topics([feed("bretagne")])
        await other.append("feed.bretagne", 2, records(1))
        assert ["k0"] == await read_keys(log, "feed.bretagne", 2)

    async def test_topics_as_they_must_be_have_no_findings(self, log: EventLog) -> None:
        assert [] == list(await log.check_topics(TOPICS))

    async def test_each_missing_topic_is_a_finding_that_names_the_next_step(self, storage: Any) -> None:
        log = await self.open_log(storage)
        try:
            await log.create_topics([topic for topic in COMMON if topic.name != OFFERS])
            findings = await log.check_topics([*COMMON, feed("bretagne")])
        finally:
            await log.close()
        assert [True, True] == [
            name in finding and "topics create" in finding
            for name, finding in zip((OFFERS, "feed.bretagne"), findings, strict=True)
        ]

    async def test_a_topic_with_another_policy_is_a_finding(self, storage: Any) -> None:
        log = await self.open_log(storage)
        try:
            await log.create_topics([Topic(OFFERS, "delete", DAY_MS)])
            (finding,) = await log.check_topics([Topic(OFFERS, "compact", DAY_MS)])
        finally:
            await log.close()
        assert OFFERS in finding
        assert "compact" in finding

    async def test_the_partition_count_is_known(self, log: EventLog) -> None:
        assert 3 == log.partitions
        assert 3 == len(await log.ends(OFFERS))

    async def test_compaction_keeps_the_last_record_of_each_key_at_its_offset(self, log: EventLog) -> None:
        for number in range(4):
            await log.append(OFFERS, 0, [record("a", f"a{number}"), record("b", f"b{number}")])
        await log.append(OFFERS, 0, [record("only", "once")])
        before = {one.offset: one for one in await read(log, OFFERS)}
        ends = await log.ends(OFFERS)

        await self.compact(log, OFFERS)

        after = await read(log, OFFERS)
        assert [("a", "a3"), ("b", "b3"), ("only", "once")] == texts(after)
        assert [before[one.offset] for one in after] == after
        assert ends <= await log.ends(OFFERS)
        assert 0 == (await log.starts(OFFERS))[0]

    async def test_a_reader_in_the_middle_of_compacted_records_goes_on(self, log: EventLog) -> None:
        for number in range(4):
            await log.append(OFFERS, 0, [record("a", str(number))])
        position = (await read(log, OFFERS))[1].offset
        await self.compact(log, OFFERS)
        assert [("a", "3")] == texts(await read(log, OFFERS, 0, position))

    async def test_offsets_are_not_given_again_after_compaction(self, log: EventLog) -> None:
        """Not even when the last record went."""
        await log.append(OFFERS, 0, [record("a", "1")])
        gone = await log.append(OFFERS, 0, [record("a", None)])
        await self.purge(log, OFFERS)
        assert (await log.append(OFFERS, 0, [record("b", "2")])).first > gone.last
        assert [("b", "2")] == texts(await read(log, OFFERS))

    async def test_a_tombstone_outlives_compaction_until_its_retention_ends(self, log: EventLog) -> None:
        await log.append(OFFERS, 0, [record("a", "1"), record("b", "1"), record("a", None)])
        await self.compact(log, OFFERS)
        assert [("b", "1"), ("a", None)] == texts(await read(log, OFFERS))
        await self.purge(log, OFFERS)
        assert [("b", "1")] == texts(await read(log, OFFERS))

    async def test_retention_moves_the_start_and_drops_the_records_below(self, log: EventLog) -> None:
        old = await log.append(SUBMISSIONS, 0, records(10, "old"))
        ends = await log.ends(SUBMISSIONS)
        await self.expire(log, SUBMISSIONS)
        starts = await log.starts(SUBMISSIONS)
        assert old.last < starts[0] <= ends[0]
        assert (0, 0) == starts[1:]
        assert ends == await log.ends(SUBMISSIONS)
        await log.append(SUBMISSIONS, 0, records(2, "new"))
        assert ["new0", "new1"] == await read_keys(log, SUBMISSIONS, 0, starts[0])
