"""Platforms with a feed, and refusals, for the pages of an operator: one fails, one waits, one is paused."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import schemas
from adapters.profile.profile import Profile, profiles, read_profile
from gateway.log.port import EventLog
from gateway.operate.desk import Desk
from gateway.operate.feeds import set_paused
from gateway.operate.journal import Journal
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.partners.onboarding import presets
from gateway.protocol.identity import partition_of
from gateway.protocol.journal import Actor
from gateway.protocol.receipt import ReceiptVersions, refusal_record
from gateway.protocol.record import Record
from gateway.protocol.source_run import Counts, Failure, SourceRun, run_record
from gateway.protocol.topic import RECEIPTS, RUNS
from tests.harness import SECRET

FAILING, WAITING, PAUSED = "auvergne-rhone-alpes", "nouvelle-aquitaine", "pays-de-la-loire"
REASON = "La source est en maintenance jusqu’à lundi"
_HOUR_MS = 3_600_000


def profile_of(slug: str) -> Profile:
    """A profile with a feed that is read once a day, so that none is due while a test looks."""
    known = profiles()[FAILING].document
    transport = {"kind": "https", "url": f"https://feed.{slug}.example/stages.xml", "every_minutes": 1_440}
    document = {**known, "platform": slug, "transport": transport}
    profile = read_profile(document)
    assert isinstance(profile, Profile), profile
    return profile


def problem(code: str, *, pointer: str = "/weeks/0", **values: Any) -> dict[str, Any]:
    """A problem of a receipt."""
    return {**schemas.problem(code, **values).to_json(), "pointer": pointer}


def runs(now: int) -> Iterator[SourceRun]:
    """The last run of each feed."""
    malformed = problem("week-malformed", actual="2027-W9")
    group: Mapping[str, Any] = {**malformed, "count": 12, "position": "14", "id": f"{FAILING}:2027-0014"}
    failure = Failure(
        at=now,
        code="feed-denied",
        fr="La source refuse l’accès : elle répond 403.",
        en="The source denies access: it answers 403.",
    )
    common = SourceRun(
        platform=FAILING, started_at=now, ended_at=now, outcome="applied", first_success_at=now - 90 * _HOUR_MS
    )
    yield replace(
        common,
        outcome="failed",
        last_error=failure,
        last_success_at=now - 11 * _HOUR_MS,
        counts=Counts(items=248, refused=12, unchanged=236),
        problems=(group,),
        profile=profile_of(FAILING).digest,
    )
    yield replace(
        common,
        platform=WAITING,
        outcome="pending",
        would_withdraw=28,
        last_success_at=now - _HOUR_MS,
        profile=profile_of(WAITING).digest,
    )
    yield replace(common, platform=PAUSED, last_success_at=now, profile=profile_of(PAUSED).digest)


def refusal(number: int, platform: str, offer_id: str, found: Mapping[str, Any], *, at: int) -> Record:
    """A refused message of an inbox."""
    return refusal_record(
        receipt=f"r-{platform}-{number}",
        publisher=platform,
        log_position=f"inbox.{platform}/0/{number}",
        at=at,
        versions=ReceiptVersions(schemas.SCHEMA_VERSION, schemas.RULES_VERSION),
        problems=[found],
        about={"id": offer_id, "revision": 1},
    )


async def append(log: EventLog, topic: str, record: Record) -> None:
    """Append one record where its key belongs."""
    assert record.key is not None
    await log.append(topic, partition_of(record.key.decode(), log.partitions), [record])


async def add_feeds(log: EventLog, partners: Partners, *, now: int, secret: bytes = SECRET) -> None:
    """The three platforms, their runs, and the pause of one."""
    for slug in (FAILING, WAITING, PAUSED):
        minted = mint_secret(now=now, entropy=os.urandom)
        document = profile_of(slug).document
        partner = replace(presets()[slug], scopes=frozenset({"offers:read"}), profile=document, secrets=(minted.kept,))
        await partners.save(partner)
    for run in runs(now):
        await append(log, RUNS, run_record(run))
    journal, actor = Journal(log, secret=secret), Actor(name="NAME", client="exploitation")
    desk = Desk(log=log, partners=partners, journal=journal, actor=actor, why=REASON, clock=lambda: now)
    await set_paused(desk, PAUSED, paused=True, known={})
    await journal.close()


async def add_refusals(log: EventLog, *, now: int) -> None:
    """Refused receipts of two platforms, of several rules."""
    malformed = problem("week-malformed", actual="2027-W9")
    for number in range(4):
        offer_id = f"bretagne:refused-{number}"
        await append(log, RECEIPTS, refusal(number, "bretagne", offer_id, malformed, at=now - number * _HOUR_MS))
    other = problem("employer-undescribed", pointer="/employer/description")
    await append(log, RECEIPTS, refusal(9, "normandie", "normandie:refused-9", other, at=now))
