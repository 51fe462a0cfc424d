"""Reversibility: a federation that is exported and imported elsewhere is the same one, on either log."""

import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from gateway.log.port import EventLog
from gateway.log.sqlite import SqliteLog
from gateway.operate.audit import audit
from gateway.operate.journal import Journal
from gateway.operate.journal_audit import audit_journal
from gateway.operate.transfer.archive import Archive, Manifest
from gateway.operate.transfer.export import export_log
from gateway.operate.transfer.restore import import_archive
from gateway.partners.record import read_partner
from gateway.protocol.journal import LAST, Act, Actor, entry_record
from gateway.protocol.record import position_record
from gateway.protocol.topic import COMMON, DAY_MS, DELIVERIES, JOURNAL, OFFERS, OPERATORS, POSITIONS, RUNS
from gateway.protocol.topic import PARTNERS as PARTNERS_TOPIC
from tests.api.write.gateway_harness import offer
from tests.clock import ManualClock
from tests.harness import ALL, SECRET, records_of
from tests.log.contract.log_fixture import opened_log
from tests.operate.moving import BY, PARTNERS, STATES, TITLE, Caller, answers, last_records, populate, serving

pytestmark = pytest.mark.slow

VERSIONS = {"passerelle": "0"}
ACT = Act(act="partner.rotate", about="bretagne", why="Lost")


@asynccontextmanager
async def sqlite(path: Path, clock: ManualClock, *, partitions: int = 3) -> AsyncIterator[SqliteLog]:
    """An embedded log with its topics."""
    path.parent.mkdir(parents=True, exist_ok=True)
    async with opened_log(SqliteLog.open(path, partitions=partitions, clock=clock)) as log:
        yield log


async def exported(log: EventLog, file: Path, clock: ManualClock, *, secrets: bool = True) -> Manifest:
    manifest, _ = await export_log(log, file, now=clock(), versions=VERSIONS, secrets=secrets)
    return manifest


async def imported(log: EventLog, file: Path, clock: ManualClock) -> None:
    with Archive.open(file) as archive:
        await import_archive(log, archive, secret=SECRET, now=clock())


async def journal_findings(log: EventLog) -> list[str]:
    """What the audit finds in the journal, without the offsets of the log."""
    findings: list[str] = []
    await audit_journal(log, findings.append)
    return [re.sub(" at [0-9]+:", ":", one) for one in findings]


async def keys_and_values(log: EventLog, topic: str) -> list[tuple[bytes | None, bytes | None]]:
    return [(record.key, record.value) for record in await records_of(log, topic)]


async def same_records(one: EventLog, other: EventLog) -> None:
    """Offers and markers are the same but for their positions on the former log; all else is what an export holds."""
    before, after = await last_records(one, OFFERS), await last_records(other, OFFERS)
    assert len(STATES) == len(before)
    for records in (before, after):
        for key, (value, headers) in records.items():
            body = orjson.loads(value)
            del body["position"]
            records[key] = orjson.dumps(body), headers
    assert before == after
    assert {b"bretagne:1", b"identity/regions"} == (await last_records(other, DELIVERIES)).keys()
    assert {b"normandie", b"normandie/later", b"normandie/pause"} == (await last_records(other, RUNS)).keys()
    assert 1 == len(await last_records(other, OPERATORS)), "a name that was erased stays so"
    assert await keys_and_values(one, JOURNAL) == await keys_and_values(other, JOURNAL)
    for topic in (DELIVERIES, RUNS, OPERATORS):
        moved = await last_records(other, topic)
        assert {key: one for key, one in (await last_records(one, topic)).items() if key in moved} == moved


async def test_an_imported_federation_answers_byte_for_byte_as_the_exported_one(tmp_path: Path) -> None:
    clock = ManualClock()
    async with sqlite(tmp_path / "a/log.sqlite", clock) as here, sqlite(tmp_path / "b/log.sqlite", clock) as there:
        await populate(tmp_path / "a", here, clock)
        expected = await answers(tmp_path / "a", here, clock)
        await exported(here, tmp_path / "federation.zip", clock)
        clock.move(3_600)
        await imported(there, tmp_path / "federation.zip", clock)
        assert expected == await answers(tmp_path / "b", there, clock)
        assert 2 == len(orjson.loads(expected["normandie /v1/offers?territory=all&limit=100"][1])["offers"])
        assert b'"count":3' in expected["statistics"][1]
        names = [entry.get("name", "–") for entry in orjson.loads(expected["journal"][1])]
        assert [BY.name, None, BY.name, "–", "–", "–"] == names
        assert [] == (await audit(there, secret=SECRET, clock=clock)).findings
        await same_records(here, there)
        kept = [read_partner(value) for value, _ in (await last_records(there, PARTNERS_TOPIC)).values()]
        assert sorted(PARTNERS, key=str) == sorted(kept, key=str)


async def test_another_number_of_partitions_moves_the_same_offers(tmp_path: Path) -> None:
    clock = ManualClock()
    async with (
        sqlite(tmp_path / "a/log.sqlite", clock) as here,
        sqlite(tmp_path / "b/log.sqlite", clock, partitions=5) as there,
    ):
        await populate(tmp_path / "a", here, clock)
        await exported(here, tmp_path / "federation.zip", clock)
        await imported(there, tmp_path / "federation.zip", clock)
        await same_records(here, there)


async def test_the_journal_goes_on_where_it_was(tmp_path: Path) -> None:
    """Its chain is whole in the second instance and in a third, a person keeps the pseudonym, and a loss is noticed."""
    clock = ManualClock()
    async with (
        sqlite(tmp_path / "a/log.sqlite", clock) as first,
        sqlite(tmp_path / "b/log.sqlite", clock, partitions=5) as second,
        sqlite(tmp_path / "c/log.sqlite", clock) as third,
    ):
        before = [
            await Journal(first, secret=SECRET, clock=clock).write(ACT, by)
            for by in (BY, Actor(client="normandie"), BY)
        ]
        await exported(first, tmp_path / "1.zip", clock)
        await imported(second, tmp_path / "1.zip", clock)
        entry = await Journal(second, secret=SECRET, clock=clock).write(ACT, BY)
        assert (4, before[0].person) == (entry.number, entry.person)
        await exported(second, tmp_path / "2.zip", clock)
        await imported(third, tmp_path / "2.zip", clock)
        after = await Journal(third, secret=SECRET, clock=clock).write(ACT, BY)
        assert (5, before[0].person) == (after.number, after.person)
        for log in (second, third):
            assert [] == (await audit(log, secret=SECRET, clock=clock)).findings


@pytest.mark.parametrize("kept", [True, False])
async def test_a_journal_whose_beginning_has_expired_is_whole_elsewhere(tmp_path: Path, *, kept: bool) -> None:
    """Numbers go on, also where every entry has expired; what is missing at the end is missing there, too."""
    clock = ManualClock()
    async with sqlite(tmp_path / "a/log.sqlite", clock) as here, sqlite(tmp_path / "b/log.sqlite", clock) as there:
        journal = Journal(here, secret=SECRET, clock=clock)
        await journal.write(ACT, BY)
        await journal.write(ACT, BY)
        clock.move(1_000 * DAY_MS / 1_000)
        if kept:
            await journal.write(ACT, BY)
        clock.move(200 * DAY_MS / 1_000)
        await here.maintain(COMMON, now=clock())
        manifest = await exported(here, tmp_path / "f.zip", clock)
        assert ((3, 3) if kept else (3, 2), int(kept)) == (manifest.journal, manifest.members["journal.ndjson"].lines)
        await imported(there, tmp_path / "f.zip", clock)
        assert [] == (await audit(there, secret=SECRET, clock=clock)).findings
        assert 3 + kept == (await Journal(there, secret=SECRET, clock=clock).write(ACT, BY)).number
        assert [] == (await audit(there, secret=SECRET, clock=clock)).findings


async def test_an_import_hides_no_loss_of_the_journal(tmp_path: Path) -> None:
    """An entry that the former log had lost is missing by the audit of the new one."""
    clock = ManualClock()
    async with sqlite(tmp_path / "a/log.sqlite", clock) as here, sqlite(tmp_path / "b/log.sqlite", clock) as there:
        journal = Journal(here, secret=SECRET, clock=clock)
        entries = [await journal.write(ACT, BY) for _ in range(2)]
        lost = [entry_record(replace(entries[1], number=4)), position_record(LAST, 0, 7)]
        await here.append(JOURNAL, 0, lost[:1])
        await here.append(POSITIONS, 0, lost[1:])
        findings = await journal_findings(here)
        assert 2 == len(findings)
        await exported(here, tmp_path / "f.zip", clock)
        await imported(there, tmp_path / "f.zip", clock)
        assert findings == await journal_findings(there)


async def test_work_goes_on_where_it_was(tmp_path: Path) -> None:
    """Withdrawn offers stay so, sequences grow, a snapshot withdraws what was imported, old marks and cursors end."""
    clock = ManualClock()
    async with sqlite(tmp_path / "a/log.sqlite", clock) as here, sqlite(tmp_path / "b/log.sqlite", clock) as there:
        mark = await populate(tmp_path / "a", here, clock)
        cursor = await a_cursor(tmp_path / "a", here, clock)
        await exported(here, tmp_path / "federation.zip", clock)
        before = {key: orjson.loads(value) for key, (value, _) in (await last_records(here, OFFERS)).items()}
        clock.move(60)
        await imported(there, tmp_path / "federation.zip", clock)
        async with serving(tmp_path / "b", there, clock, *ALL) as gateway:
            fresh = await gateway.mark()
            await _withdrawn_stay_withdrawn(gateway)
            status, answer = await gateway.ask("GET", f"/v1/changes?territory=all&cursor={cursor}", who="normandie")
            assert (410, "resync-required") == (status, orjson.loads(answer)["code"])
            status, refused = await gateway.snapshot(mark, offer("1", 2, title=TITLE))
            assert (409, "stale-mark") == (status, refused["code"])
            status, applied = await gateway.snapshot(fresh, offer("1", 2, title=TITLE))
            assert (202, 1) == (status, applied["withdrawn"]), "the imported offer that is absent, not the newer one"
            await gateway.settled()
        after = {key: orjson.loads(value) for key, (value, _) in (await last_records(there, OFFERS)).items()}
        reasons = [after[f"bretagne:{number}".encode()].get("reason") for number in "123"]
        assert [None, "absent", None] == reasons
        assert all(after[key]["sequence"] >= before[key]["sequence"] for key in before)
        assert after[b"bretagne:2"]["sequence"] > before[b"bretagne:2"]["sequence"]
        report = await audit(there, secret=SECRET, clock=clock)
        assert [] == report.findings


async def a_cursor(folder: Path, log: EventLog, clock: ManualClock) -> str:
    async with serving(folder, log, clock, OFFERS) as gateway:
        status, body = await gateway.ask("GET", "/v1/changes?territory=all", who="normandie")
        assert 200 == status, body
        return str(orjson.loads(body)["cursor"])


async def _withdrawn_stay_withdrawn(gateway: Caller) -> None:
    for number, revision, code in (("3", 2, "revision-reused"), ("3", 1, "older-revision"), ("5", 2, "moderated")):
        status, answer = await gateway.put(number, revision)
        assert (409, code) == (status, answer["problems"][0]["code"])
    assert 201 == (await gateway.put("3", 3))[0], "a higher revision publishes again"
    status, answer = await gateway.put("6", 1)
    assert (409, "withdrawn-absent") == (status, answer["problems"][0]["code"])


@pytest.mark.kafka
async def test_from_the_embedded_log_to_kafka_and_back(tmp_path: Path, kafka_servers: str) -> None:
    """The same answers from all three, and the same bytes in both files."""
    from gateway.log.kafka import KafkaLog, KafkaSettings  # noqa: PLC0415 - not imported without a broker

    clock = ManualClock()
    settings = KafkaSettings(bootstrap_servers=kafka_servers, prefix=f"moved-{uuid.uuid4().hex[:8]}", partitions=3)
    async with (
        opened_log(KafkaLog.open(settings)) as kafka,
        sqlite(tmp_path / "a/log.sqlite", clock) as here,
        sqlite(tmp_path / "b/log.sqlite", clock) as back,
    ):
        await populate(tmp_path / "a", here, clock)
        expected = await answers(tmp_path / "a", here, clock)
        first = await exported(here, tmp_path / "1.zip", clock)
        await imported(kafka, tmp_path / "1.zip", clock)
        assert expected == await answers(tmp_path / "k", kafka, clock)
        second = await exported(kafka, tmp_path / "2.zip", clock)
        assert first.members == second.members
        await imported(back, tmp_path / "2.zip", clock)
        assert expected == await answers(tmp_path / "b", back, clock)
        await same_records(here, back)
