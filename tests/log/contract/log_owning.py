"""The event-log contract, ownership: one writer per role and partition, atomic commits, fencing, unknown outcomes."""

import asyncio
from typing import Any

import pytest

from gateway.errors import (
    FencedError,
    LogError,
    LogUnavailableError,
    UnknownOutcomeError,
)
from gateway.log.port import EventLog, Output
from gateway.protocol.record import Record, position_record
from gateway.protocol.topic import OFFERS, POSITIONS, RECEIPTS, SUBMISSIONS
from tests.log.contract.log_fixture import DEADLINE, LogFixture, keys, reach, read, read_keys, record, records

RELAY = "relay"


def outputs(name: str, partition: int = 0) -> list[Output]:
    """An offer, a receipt and a position, as a relay writes them."""
    return [
        Output(OFFERS, partition, record(f"{name} offer")),
        Output(RECEIPTS, partition, record(f"{name} receipt")),
        Output(POSITIONS, partition, position_record(SUBMISSIONS, partition, 1)),
    ]


async def everything(log: EventLog, partition: int = 0) -> list[str]:
    """The keys on the three topics that ``outputs`` go to, without the log's identity, which is on ``positions``."""
    found = [key for topic in (OFFERS, RECEIPTS, POSITIONS) for key in await read_keys(log, topic, partition)]
    return [key for key in found if key != "log"]


def written(name: str, partition: int = 0) -> list[str]:
    """What ``everything`` finds after ``outputs`` were committed."""
    return [f"{name} offer", f"{name} receipt", f"submissions/{partition}"]


class Owning(LogFixture):
    """What ``own``, ``commit`` and ``join`` promise."""

    async def test_a_commit_is_readable_when_it_returns_and_says_the_next_offsets(self, log: EventLog) -> None:
        owner = await log.own(RELAY, 1)
        ends = await owner.commit([*outputs("a", 1), Output(OFFERS, 2, record("elsewhere"))])
        assert written("a", 1) == await everything(log, 1)
        assert ["elsewhere"] == await read_keys(log, OFFERS, 2)
        assert set(ends) == {(OFFERS, 1), (RECEIPTS, 1), (POSITIONS, 1), (OFFERS, 2)}
        for (topic, partition), end in ends.items():
            assert end == (await log.ends(topic))[partition]
            assert end > (await read(log, topic, partition))[-1].offset
        await owner.close()

    async def test_an_owner_knows_the_end_and_leaves_no_visible_record(self, log: EventLog, other: EventLog) -> None:
        former = await log.own(RELAY, 1)
        committed = await former.commit(outputs("a", 1))
        owner = await other.own(RELAY, 1)
        end = await owner.end(OFFERS, 1)
        assert committed[OFFERS, 1] <= end == (await log.ends(OFFERS))[1]
        assert await owner.end(OFFERS, 2) == (await log.ends(OFFERS))[2]
        await owner.commit(outputs("b", 1))
        assert ["a offer", "b offer"] == await read_keys(log, OFFERS, 1)
        await former.close()
        await owner.close()
        with pytest.raises(LogUnavailableError):
            await owner.end(OFFERS, 0)

    async def test_commits_follow_each_other_in_order(self, log: EventLog) -> None:
        owner = await log.own(RELAY, 0)
        for batch in range(5):
            await owner.commit([Output(OFFERS, 0, record(f"{batch}-{number}")) for number in range(3)])
        await owner.close()
        assert [f"{batch}-{number}" for batch in range(5) for number in range(3)] == await read_keys(log, OFFERS)

    async def test_a_large_commit_is_whole(self, log: EventLog) -> None:
        """More than one append may hold: 500 offers, 500 receipts and a position, over 1 MiB."""
        owner = await log.own(RELAY, 0)
        offers = [Output(OFFERS, 0, Record(b"o%d" % number, bytes(3_000))) for number in range(500)]
        receipts = [Output(RECEIPTS, 0, Record(b"r%d" % number, bytes(300))) for number in range(500)]
        await owner.commit([*offers, *receipts, Output(POSITIONS, 0, position_record(SUBMISSIONS, 0, 500))])
        await owner.close()
        assert 1_001 == len(await everything(log))
        assert [500, 500] == [len(await read(log, topic)) for topic in (OFFERS, RECEIPTS)]

    async def test_headers_and_tombstones_survive_a_commit(self, log: EventLog) -> None:
        sent = [Record(b"k", None, (("ce_reason", b"filled"),)), Record(b"l", b"", (("a", b""), ("a", b"\xff")))]
        owner = await log.own(RELAY, 0)
        await owner.commit([Output(OFFERS, 0, one) for one in sent])
        await owner.close()
        assert sent == [Record(one.key, one.value, tuple(one.headers)) for one in await read(log, OFFERS)]

    async def test_a_new_owner_fences_the_old_one(self, log: EventLog, other: EventLog) -> None:
        """Nothing of a fenced commit is ever visible, also when the two owners live in different processes."""
        for newcomer in (log, other):
            before = await everything(log)
            old = await log.own(RELAY, 0)
            new = await newcomer.own(RELAY, 0)
            for _ in range(2):
                with pytest.raises(FencedError):
                    await old.commit(outputs("old"))
            assert before == await everything(log)
            await new.commit(outputs("new"))
            assert len(before) + 3 == len(await everything(log))
            with pytest.raises(FencedError):
                await old.commit(outputs("old"))
            await old.close()
            await new.close()

    async def test_roles_and_partitions_do_not_fence_each_other(self, log: EventLog) -> None:
        relay = await log.own(RELAY, 0)
        others = [await log.own("intake.bretagne", 0), await log.own(RELAY, 1)]
        await relay.commit(outputs("relay"))
        for owner in (relay, *others):
            await owner.close()
        assert written("relay") == await everything(log)

    async def test_a_closed_owner_commits_nothing(self, log: EventLog) -> None:
        owner = await log.own(RELAY, 0)
        await owner.close()
        with pytest.raises(LogError):
            await owner.commit(outputs("late"))
        assert [] == await everything(log)

    async def test_an_open_transaction_holds_back_the_end_until_it_is_committed(
        self, log: EventLog, storage: Any
    ) -> None:
        await log.append(OFFERS, 0, [record("before")])
        end = (await log.ends(OFFERS))[0]
        opened = await self.open_transaction(storage, RELAY, 0, outputs("hung"))
        after = asyncio.create_task(log.append(OFFERS, 0, [record("after")]))
        assert ["before"] == await read_keys(log, OFFERS)
        async with log.reader({(OFFERS, 0): 0}) as reader:
            chunks = await reader.poll(limit=10, wait=DEADLINE)
            assert ["before"] == [key for chunk in chunks for key in keys(chunk.records)]
            assert [] == [chunk for chunk in await reader.poll(limit=10, wait=0.3) if chunk.records]
        assert end == (await log.ends(OFFERS))[0]

        await opened.commit()

        async with asyncio.timeout(DEADLINE):
            appended = await after
        await reach(log, OFFERS, appended.last)
        assert ["before", "hung offer", "after"] == await read_keys(log, OFFERS)

    async def test_an_aborted_transaction_is_never_seen(self, log: EventLog, storage: Any) -> None:
        opened = await self.open_transaction(storage, RELAY, 0, outputs("hung"))
        after = asyncio.create_task(log.append(OFFERS, 0, [record("after")]))
        await opened.abort()
        async with asyncio.timeout(DEADLINE):
            appended = await after
        await reach(log, OFFERS, appended.last)
        assert ["after"] == await everything(log)

    async def test_taking_a_partition_aborts_its_open_transaction(self, log: EventLog, storage: Any) -> None:
        """After ``own`` the end includes every record of the former owner."""
        await self.open_transaction(storage, RELAY, 0, outputs("hung"))
        async with asyncio.timeout(DEADLINE):
            owner = await log.own(RELAY, 0)
            assert [] == await everything(log)
            await owner.commit(outputs("new"))
        await owner.close()
        assert written("new") == await everything(log)

    async def test_a_commit_of_unknown_outcome_is_settled_by_a_new_owner(self, log: EventLog, storage: Any) -> None:
        """Whatever its outcome, it is atomic, and it does not change once the partition has a new owner."""
        owner = await log.own(RELAY, 0)
        await owner.commit(outputs("first"))
        async with self.lose_answers(storage, log):
            with pytest.raises(UnknownOutcomeError):
                await owner.commit(outputs("unknown"))
        async with asyncio.timeout(DEADLINE):
            await owner.close()
            new_owner = await log.own(RELAY, 0)
        settled = await everything(log)
        assert len(settled) in (3, 6)
        with pytest.raises(LogError):
            await owner.commit(outputs("spent"))
        await new_owner.commit(outputs("last"))
        await new_owner.close()
        assert len(settled) + 3 == len(await everything(log))
        assert len(settled) // 3 + 1 == len(await read(log, OFFERS))

    async def test_a_refused_commit_wrote_nothing_and_spends_its_owner(self, log: EventLog, storage: Any) -> None:
        owner = await log.own(RELAY, 0)
        await owner.commit(outputs("first"))
        async with self.refuse_writes(storage, log):
            with pytest.raises(LogUnavailableError):
                await owner.commit([*outputs("refused"), Output(OFFERS, 0, Record(b"large", bytes(2_000_000)))])
        with pytest.raises(LogError):
            await owner.commit(outputs("spent"))
        await owner.close()
        assert written("first") == await everything(log)
        new_owner = await log.own(RELAY, 0)
        await new_owner.commit(outputs("second"))
        await new_owner.close()
        assert ["first offer", "second offer"] == await read_keys(log, OFFERS)

    async def test_appends_and_commits_share_a_partition(self, log: EventLog) -> None:
        owner = await log.own("intake.bretagne", 0)
        await asyncio.gather(
            log.append(SUBMISSIONS, 0, records(20, "append")),
            owner.commit([Output(SUBMISSIONS, 0, one) for one in records(20, "commit")]),
        )
        await owner.close()
        assert 40 == len(set(await read_keys(log, SUBMISSIONS)))

    async def test_the_only_member_of_a_group_has_every_partition(self, log: EventLog) -> None:
        membership = await log.join(RELAY, SUBMISSIONS)
        async with asyncio.timeout(DEADLINE):
            share: frozenset[int] = frozenset()
            while share != frozenset({0, 1, 2}):
                share = await membership.changed()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(membership.changed(), 0.2)
        await membership.close()
