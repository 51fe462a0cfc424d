"""Nine platforms with nine different broken feeds at once: no offer changes, and the status gives the reasons.

Single feeds are tested with the formats and the transports; here the whole gateway pulls them.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from adapters.profile.profile import profiles
from demo.client import Client
from demo.region_site.simulator import FeedFault
from gateway.protocol.source_run import SUCCESSES, SourceRun
from gateway.runtime.loop import run
from tests.harness import until
from tests.interconnection.federation import Federation, federation, settled
from tests.interconnection.offers import REGIONS, TOWNS, offer
from tests.interconnection.region import WITHIN

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
FORMS = ("cleverconnect", "csv", "json", "jobposting", "xml")
FAULTS: Mapping[str, FeedFault] = dict(
    zip(
        REGIONS,
        (
            FeedFault.ENTITY_BOMB,
            FeedFault.CUT,
            FeedFault.EMPTY,
            FeedFault.ERROR_PAGE,
            FeedFault.WRONG_ENCODING,
            FeedFault.TWO_GIGABYTES,
            FeedFault.ENDLESS,
            FeedFault.BROKEN_OFF,
            FeedFault.DUPLICATE_IDS,
        ),
        strict=True,
    )
)
CHANNELS = {slug: f"https {FORMS[number % len(FORMS)]}" for number, slug in enumerate(REGIONS)}
EACH = 3
CHANGED = "Encore là"


@dataclass(slots=True)
class Seen:
    """The federation while its feeds were good, bad, and good again: the site's rows, what each platform held, and what
    the API said in each language; the runs, and the table that people see, are of the bad ones.
    """

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    held: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    status: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: dict[str, SourceRun] = field(default_factory=dict)
    printed: str = ""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return run(_spoil(tmp_path_factory.mktemp("bad-feeds")))


async def _spoil(folder: Path) -> Seen:
    seen = Seen()
    async with federation(folder, channels=CHANNELS) as deployment, _publishing(deployment) as operator:
        await _note(seen, "good", deployment, operator)
        for slug, region in deployment.regions.items():
            region.platform.fault = FAULTS[slug]
            seen.runs[slug] = await region.order()
        await settled(operator)
        await _note(seen, "bad", deployment, operator)
        seen.printed = await deployment.command("status", "--lang", "fr")
        for region in deployment.regions.values():
            region.platform.fault = None
            first, second, *_ = region.offers.values()
            region.offers[first["id"]] = {**first, "title": CHANGED}
            del region.offers[second["id"]]
            await region.publish()
        await until(lambda: all(_went_on(deployment, slug) for slug in REGIONS), seconds=WITHIN)
        await settled(operator)
        await _note(seen, "again", deployment, operator)
    return seen


def _went_on(deployment: Federation, slug: str) -> bool:
    """Whether the change and the omission after the bad feed have reached the national site."""
    first, second = deployment.row(f"{slug}:0"), deployment.row(f"{slug}:1")
    return first is not None and first.title == CHANGED and second is not None and not second.kept


@asynccontextmanager
async def _publishing(deployment: Federation) -> AsyncIterator[Client]:
    """A gateway, once the offers of all feeds are at the national site; its operator's client."""
    for slug, region in deployment.regions.items():
        host = profiles()[slug].hosts[0]
        made = [offer(slug, number, town=TOWNS[slug], host=host) for number in range(EACH)]
        region.offers = {one["id"]: one for one in made}
        region.platform.offers = dict(region.offers)
    async with deployment.gateway() as operator:
        for region in deployment.regions.values():
            await region.publish()
        await until(lambda: len(deployment.site.stock.live()) == EACH * len(REGIONS), seconds=WITHIN)
        await settled(operator)
        yield operator


async def _note(seen: Seen, when: str, deployment: Federation, operator: Client) -> None:
    seen.rows[when] = [{**asdict(row), "owner": None} for row in deployment.site.stock.rows]
    seen.held[when] = {slug: dict(region.platform.held) for slug, region in deployment.regions.items()}
    answer = await operator.call("GET", "/v1/platforms")
    french = {one["platform"]: one for one in answer.body["platforms"] if one["platform"] in REGIONS}
    platforms = json.loads(await deployment.command("status", "--json", "--lang", "en"))["platforms"]
    english = {one["platform"]: one["details"]["last_error"] for one in platforms if one["platform"] in REGIONS}
    seen.status[when] = {slug: {**one, "english": english[slug]} for slug, one in french.items()}


def test_nothing_moves_at_the_national_site_nor_at_the_other_platforms(seen: Seen) -> None:
    assert EACH * len(REGIONS) == len(seen.rows["good"])
    assert seen.rows["good"] == seen.rows["bad"]
    assert seen.held["good"] == seen.held["bad"]


@pytest.mark.parametrize("slug", REGIONS)
def test_a_bad_feed_withdraws_nothing_and_its_run_says_so(seen: Seen, slug: str) -> None:
    ran = seen.runs[slug]
    assert (0, 0) == (ran.counts.published, ran.counts.withdrawn)
    assert ran.outcome not in SUCCESSES
    assert EACH == seen.status["bad"][slug]["live"]


@pytest.mark.parametrize("slug", REGIONS)
def test_the_status_reports_the_error_in_both_languages(seen: Seen, slug: str) -> None:
    """[SEC-014]"""
    assert seen.status["good"][slug]["details"]["last_error"] is None
    platforms = seen.status["bad"][slug]
    french, english = platforms["details"]["last_error"], platforms["english"]
    assert french["at"] == english["at"] > seen.status["good"][slug]["details"]["last_success"]
    assert french["message"] != english["message"]
    assert french["message"] in seen.printed
    failure = seen.runs[slug].last_error
    assert failure is None or failure.code not in french["message"] + english["message"]


def test_repeated_ids_are_named(seen: Seen) -> None:
    [slug] = [slug for slug, fault in FAULTS.items() if fault is FeedFault.DUPLICATE_IDS]
    details = seen.status["bad"][slug]["details"]
    assert 2 * EACH == details["refused"]
    assert f"{slug}:0" in details["last_error"]["message"]


@pytest.mark.parametrize("slug", REGIONS)
def test_a_corrected_feed_continues(seen: Seen, slug: str) -> None:
    rows = {row["remote_id"]: row for row in seen.rows["again"]}
    first, second, third = (rows[f"{slug}:{number}"] for number in range(EACH))
    assert len(seen.rows["good"]) == len(rows)
    assert (CHANGED, None) == (first["title"], first["discarded_at"])
    assert second["discarded_at"] is not None
    assert third == next(row for row in seen.rows["good"] if row["remote_id"] == f"{slug}:2")
    details = seen.status["again"][slug]["details"]
    error = details["last_error"]
    assert error["at"] < details["last_success"]
    assert EACH - 1 == seen.status["again"][slug]["live"]
