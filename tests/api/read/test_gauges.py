"""The gauges of the metrics: live offers and undecided submissions, with bounded labels."""

import asyncio
from dataclasses import replace
from typing import get_args

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.api.management import build_management
from gateway.federation.counters import Metrics
from gateway.federation.gauges import Gauges
from gateway.log.port import EventLog
from gateway.protocol.delivery import Delivery, DeliveryPart, delivery_record
from gateway.protocol.partner import SCOPES, Partner
from gateway.protocol.source_run import Counts, Outcome, SourceRun, run_record
from gateway.protocol.topic import DELIVERIES, OFFERS, RECEIPTS, RUNS, inbox
from tests.api.read.read_api import ReadApi
from tests.memory_log import MemoryLog
from tests.store.offer_topic import offer_of

COUNTS = Counts(items=2, published=2)


async def exposed(api: ReadApi, times: int = 1, *, log: EventLog | None = None, lag: int | None = 2_500) -> str:
    """The exposition that Prometheus reads; with ``times`` the last of so many concurrent reads."""
    known = api.context.federation
    federation = replace(known, log=log or known.log, metrics=Metrics())
    pulls = {"quick": 1, "slow": 0, "waiting": 0}
    gauges = Gauges(federation, relay_lag_ms=lambda: lag, pulls=lambda: pulls)
    async with TestClient(TestServer(build_management(federation.metrics, dict, gauges))) as client:
        answers = await asyncio.gather(*(client.get("/metrics") for _ in range(times)))
        return [await answer.text() for answer in answers][-1]


async def test_gauges_report_positions_lags_and_live_offers(api: ReadApi) -> None:
    await api.publish(offer_of("bretagne:1"))
    await api.receive("r1", "bretagne:1", "bretagne")
    part = DeliveryPart(group="lycee", generation=1, account="a", state="pending", since=1)
    await api.put(DELIVERIES, delivery_record(Delivery(id="bretagne:1", sequence=1, parts=(part,))))
    text = await exposed(api)
    position = max(api.context.federation.offers.positions)
    partition = api.context.federation.offers.positions.index(position)
    for line in (
        "passerelle_relay_lag_seconds 2.5",
        "passerelle_undecided 0.0",
        'passerelle_view_lag{view="offers"} 0.0',
        f'passerelle_view_position{{partition="{partition}",view="offers"}} {position}.0',
        'passerelle_live_offers{platform="bretagne"} 1.0',
        'passerelle_live_offers{platform="normandie"} 0.0',
        'passerelle_receipts{platform="bretagne",verdict="accepted"} 1.0',
        'passerelle_deliveries{platform="bretagne",state="pending"} 1.0',
    ):
        assert line in text


async def pull(api: ReadApi) -> Partner:
    """Bretagne, whose source is pulled every hour."""
    partners = api.context.federation.partners
    bretagne = partners.get("bretagne")
    assert bretagne is not None
    await partners.save(replace(bretagne, profile={"transport": {"kind": "https"}}))
    return bretagne


def run_of(platform: str, outcome: Outcome, *, success: int | None = 7_000) -> SourceRun:
    return SourceRun(
        platform=platform, started_at=5_000, ended_at=9_000, outcome=outcome, counts=COUNTS, last_success_at=success
    )


@pytest.mark.parametrize("outcome", get_args(Outcome))
async def test_the_outcome_of_a_feed_is_one_of_all_and_its_last_success_stays(api: ReadApi, outcome: Outcome) -> None:
    await pull(api)
    await api.put(RUNS, run_record(run_of("bretagne", outcome)))
    text = await exposed(api)
    for one in get_args(Outcome):
        assert f'passerelle_feed_run{{outcome="{one}",platform="bretagne"}} {float(one == outcome)}\n' in text
    assert 'passerelle_last_success_timestamp_seconds{platform="bretagne"} 7.0\n' in text
    assert 'passerelle_feed_period_seconds{platform="bretagne"} 3600.0\n' in text


async def test_a_feed_without_a_run_has_a_period_and_nothing_else(api: ReadApi) -> None:
    await pull(api)
    text = await exposed(api)
    assert 'passerelle_feed_period_seconds{platform="bretagne"} 3600.0\n' in text
    assert not any(line.startswith(("passerelle_feed_run{", "passerelle_last_success")) for line in text.splitlines())


async def test_the_last_success_of_a_publisher_is_its_last_accepted_submission(api: ReadApi) -> None:
    await api.receive("r1", "normandie:1", "normandie")
    [receipts] = [
        counts for slug, counts in (await api.context.federation.receipts.counts()).items() if slug == "normandie"
    ]
    at = receipts["accepted"].latest / 1_000
    [line] = [line for line in (await exposed(api)).splitlines() if line.startswith("passerelle_last_success")]
    name, value = line.split()
    assert ('passerelle_last_success_timestamp_seconds{platform="normandie"}', at) == (name, float(value))


async def test_a_revoked_platform_owes_no_success_and_no_run(api: ReadApi) -> None:
    """Its last run stays in the log for good, and so would an alert on it."""
    await api.put(RUNS, run_record(run_of("bretagne", "failed")))
    await api.put(RUNS, run_record(run_of("gone", "failed")))
    assert 'platform="gone"' not in await exposed(api)
    await api.context.federation.partners.save(replace(await pull(api), revoked=True))
    text = await exposed(api)
    assert not any(name in text for name in ("passerelle_feed_run{", "passerelle_feed_period_seconds{"))


async def test_a_view_that_is_behind_shows_in_its_gauge(api: ReadApi) -> None:
    await api.hold_back()
    await api.publish(offer_of("bretagne:1"), wait=False)
    behind = sum(await api.context.federation.log.ends(OFFERS)) - sum(api.context.federation.offers.positions)
    assert 0 < behind
    assert f'passerelle_view_lag{{view="offers"}} {behind}.0' in await exposed(api)
    api.go_on()


@pytest.mark.parametrize(
    ("topic", "gauge"),
    [
        (OFFERS, "live_offers"),
        (RECEIPTS, "receipts"),
        (DELIVERIES, "deliveries"),
        (RECEIPTS, "last_success_timestamp_seconds"),
        (RUNS, "feed_run"),
    ],
)
async def test_nothing_is_counted_in_a_view_that_is_being_filled(api: ReadApi, topic: str, gauge: str) -> None:
    """ERR-008: a fall to 0 would be taken for a snapshot that withdrew everything."""
    await api.publish(offer_of("bretagne:1"))
    await api.receive("r1", "bretagne:1", "bretagne")
    part = DeliveryPart(group="lycee", generation=1, account="a", state="pending", since=1)
    await api.put(DELIVERIES, delivery_record(Delivery(id="bretagne:1", sequence=1, parts=(part,))))
    await pull(api)
    await api.put(RUNS, run_record(run_of("bretagne", "applied")))
    sample = f"passerelle_{gauge}{{"
    assert sample in await exposed(api)
    async with api.filling(topic) as behind:
        assert sample not in await exposed(behind)


async def test_the_label_of_a_platform_is_a_partners_slug_and_no_other(api: ReadApi) -> None:
    """SEC-007: whatever the log holds, also for partners that have left."""
    await api.publish(offer_of("nobody:1"))
    await api.receive("r1", "nobody:1", "nobody")
    assert "nobody" not in await exposed(api)


async def test_a_gauge_that_cannot_be_read_is_absent_and_the_others_are_reported(api: ReadApi) -> None:
    native = Partner(platform="sarthe", name="Sarthe", scopes=frozenset(SCOPES), inbox=True)
    await api.context.federation.partners.save(native)
    assert 'passerelle_inbox_lag{platform="sarthe"}' not in await exposed(api)
    await api.context.federation.log.create_topics([inbox("sarthe")])
    assert 'passerelle_inbox_lag{platform="sarthe"} 0.0' in await exposed(api)
    assert 'passerelle_inbox_refusals_unlisted{platform="sarthe"} 0.0' in await exposed(api)


async def test_the_undecided_gauge_is_absent_while_the_number_is_unknown(api: ReadApi) -> None:
    """Neither 0 nor the former number: an alert on either would stay silent just then."""
    exposition = await exposed(api, log=MemoryLog(), lag=None)
    assert "\npasserelle_undecided " not in exposition
    assert "\npasserelle_relay_lag_seconds " not in exposition
    assert "\npasserelle_view_position" in exposition


async def test_readers_at_the_same_time_get_whole_answers(api: ReadApi) -> None:
    await api.publish(offer_of("bretagne:1"))
    assert 'passerelle_live_offers{platform="bretagne"} 1.0' in await exposed(api, times=8)
