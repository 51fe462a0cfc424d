"""The view of partners: a saved partner is visible at once to the saving process, and soon to every other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from gateway.partners import Partners
from gateway.partners.credential import mint_secret, revoke
from gateway.partners.record import changed_record
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import Partner
from gateway.protocol.record import Record
from gateway.protocol.topic import COMMON, PARTNERS
from tests.memory_log import MemoryLog

BRETAGNE = Partner(
    platform="bretagne", name="Bretagne", scopes=frozenset({"offers:read"}), hosts=("stages.ideo.bretagne.bzh",)
)
NORMANDIE = Partner(platform="normandie", name="Normandie", scopes=frozenset({"offers:publish"}))


@pytest.fixture
async def log() -> MemoryLog:
    log = MemoryLog(partitions=3)
    await log.create_topics(COMMON)
    return log


@asynccontextmanager
async def following(partners: Partners) -> AsyncIterator[None]:
    task = asyncio.create_task(partners.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_saved_partner_is_visible_when_save_returns(log: MemoryLog) -> None:
    partners = Partners(log)
    await partners.save(BRETAGNE)
    await partners.save(NORMANDIE)
    assert partners.get("bretagne") == BRETAGNE
    assert (BRETAGNE, NORMANDIE) == partners.all()
    assert None is partners.get("occitanie")
    await partners.close()


async def test_save_returns_as_soon_while_the_view_follows_the_topic(log: MemoryLog) -> None:
    partners = Partners(log)
    async with following(partners):
        async with asyncio.timeout(5):
            await asyncio.gather(partners.save(BRETAGNE), partners.save(NORMANDIE), partners.catch_up())
        assert (BRETAGNE, NORMANDIE) == partners.all()


async def test_a_view_that_follows_sees_what_another_saved(log: MemoryLog) -> None:
    here, there = Partners(log), Partners(log)
    async with following(here):
        await there.save(BRETAGNE)
        await there.save(revoke(BRETAGNE))
        revoked = there.get("bretagne")
        assert revoked is not None
        assert revoke(replace(BRETAGNE, generation=revoked.generation)) == revoked
        await until(lambda: here.get("bretagne") == revoked)
    await there.close()


async def test_the_record_is_on_the_partition_of_its_slug(log: MemoryLog) -> None:
    partners = Partners(log)
    before = await log.ends(PARTNERS)
    await partners.save(BRETAGNE)
    after = await log.ends(PARTNERS)
    assert [partition_of("bretagne", 3)] == [p for p in range(3) if after[p] > before[p]]
    await partners.close()


async def test_catching_up_on_an_empty_topic_does_not_wait(log: MemoryLog) -> None:
    partners = Partners(log)
    assert [False] == [partners.caught_up]
    async with asyncio.timeout(0.5):
        await partners.catch_up()
    assert [True] == [partners.caught_up]
    assert () == partners.all()
    await partners.close()


async def test_the_newest_record_of_a_slug_counts(log: MemoryLog) -> None:
    newer = replace(BRETAGNE, name="IDÉO")
    records = [changed_record(None, BRETAGNE), changed_record(None, newer)]
    await log.append(PARTNERS, partition_of("bretagne", 3), records)
    partners = Partners(log)
    await partners.catch_up()
    assert newer == partners.get("bretagne")
    await partners.close()


async def test_a_tombstone_removes_a_partner(log: MemoryLog) -> None:
    partners = Partners(log)
    await partners.save(BRETAGNE)
    await log.append(PARTNERS, partition_of("bretagne", 3), [Record(b"bretagne", None)])
    await partners.catch_up()
    assert None is partners.get("bretagne")
    assert {} == dict(partners.hosts())
    await partners.close()


async def test_hosts_name_the_platform_and_an_active_one_outweighs_a_revoked_one(log: MemoryLog) -> None:
    partners = Partners(log)
    await partners.save(BRETAGNE)
    assert {"stages.ideo.bretagne.bzh": "bretagne"} == dict(partners.hosts())
    await partners.save(revoke(BRETAGNE))
    assert {"stages.ideo.bretagne.bzh": "bretagne"} == dict(partners.hosts())
    await partners.save(replace(NORMANDIE, platform="armorique", hosts=BRETAGNE.hosts))
    assert {"stages.ideo.bretagne.bzh": "armorique"} == dict(partners.hosts())
    await partners.close()


async def test_no_secret_is_on_the_topic(log: MemoryLog) -> None:
    minted = mint_secret(now=1, entropy=lambda count: b"s" * count)
    partners = Partners(log)
    await partners.save(replace(BRETAGNE, secrets=(minted.kept,)))
    start = {(PARTNERS, p): at for p, at in enumerate(await log.starts(PARTNERS))}
    async with log.reader(start) as reader:
        stored = [record for chunk in await reader.poll(limit=10, wait=1) for record in chunk.records]
    assert 1 == len(stored)
    assert minted.text.encode() not in (stored[0].value or b"")
    assert minted.kept.hash.encode() in (stored[0].value or b"")
    await partners.close()
