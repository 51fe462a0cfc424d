"""Publishing where a certificate is required: refused without one, announced beforehand, withdrawals as before."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import schemas
from tests.api.write.gateway_harness import DAY_MS, GatewayHarness, ndjson, offer, opened
from tests.clock import START
from tests.protocol.certified import issued

TODAY = date(2026, 11, 30)
NOTICE = "Certificate-Required-From"


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[GatewayHarness]:
    """A gateway that requires certificates from this day on."""
    async with opened(tmp_path, require_certificate=TODAY) as gateway:
        yield gateway


async def certify(gateway: GatewayHarness, platform: str = "bretagne", **more: Any) -> None:
    partner = gateway.context.federation.partners.get(platform)
    assert partner is not None
    await gateway.context.federation.partners.save(replace(partner, certificates=(issued(platform=platform, **more),)))


async def published(gateway: GatewayHarness, *numbers: int) -> None:
    """Offers of Bretagne, from when it was certified; it is not any more."""
    await certify(gateway)
    answer = await gateway.batch(ndjson(*(offer(number) for number in numbers)))
    assert 202 == answer.status, answer.raw
    await gateway.settled()
    await certify(gateway, expires_at=START)


async def test_an_offer_without_certificate_is_refused_with_the_day_and_the_remedy(
    strict: GatewayHarness,
) -> None:
    """CER-001"""
    answer = await strict.put(offer(1), headers={"Accept-Language": "en"})
    assert (403, "certificate-missing") == (answer.status, answer.code)
    schemas.validator("problem").validate(answer.body)
    assert "since 2026-11-30" in answer.body["detail"]
    assert [] == await strict.submitted()


async def test_with_a_certificate_it_is_taken_until_that_ends(strict: GatewayHarness) -> None:
    """CER-001"""
    await certify(strict, expires_at=START + DAY_MS)
    assert 201 == (await strict.put(offer(1))).status
    strict.clock.now = START + DAY_MS
    assert 403 == (await strict.put(offer(2))).status


async def test_before_the_day_every_partner_may_publish(tmp_path: Path) -> None:
    """CER-001"""
    async with opened(tmp_path, require_certificate=date(2026, 12, 1)) as gateway:
        assert 201 == (await gateway.put(offer(1))).status
        gateway.clock.now = START + DAY_MS
        assert 403 == (await gateway.put(offer(2))).status


async def test_withdrawing_reading_and_dry_runs_stay_possible(strict: GatewayHarness) -> None:
    """CER-001"""
    await published(strict, 1, 2)
    assert 200 == (await strict.put(offer(3), query="?dry_run=true")).status
    dry = await strict.batch(ndjson(offer(3)), query="?dry_run=true")
    assert (200, ["valid"]) == (dry.status, [item["status"] for item in dry.body["results"]])
    gone = await strict.ask("DELETE", "/v1/offers/bretagne:1?revision=2", headers={"Prefer": "wait=10"})
    assert 200 == gone.status
    assert ["bretagne:2"] == await strict.live()


async def test_of_a_batch_the_withdrawals_are_taken(strict: GatewayHarness) -> None:
    """CER-001: the offers are refused, each with all that is wrong with it."""
    await published(strict, 1)
    withdrawal = {"id": "bretagne:1", "revision": 2, "withdrawn": "filled"}
    answer = await strict.batch(ndjson(offer(2), withdrawal, offer(3, sector="x")), query="?partial=true")
    assert 207 == answer.status
    assert [["certificate-missing"], [], ["certificate-missing", "not-in-list"]] == [
        [problem["code"] for problem in item.get("problems", ())] for item in answer.body["results"]
    ]
    assert [] == await strict.live()


async def test_an_offer_of_another_platform_in_a_batch_is_reported_as_such(strict: GatewayHarness) -> None:
    """CER-001, IDN-003"""
    answer = await strict.batch(ndjson(offer(1, platform="normandie")))
    assert ["not-owner"] == [problem["code"] for problem in answer.body["results"][0]["problems"]]


async def test_in_a_snapshot_offers_that_are_refused_count_as_present(strict: GatewayHarness) -> None:
    """CER-001, PUB-025: nothing is published, and only absent offers are withdrawn."""
    await published(strict, *range(1, 13))
    answer = await strict.snapshot(await strict.mark(), *(offer(number, 2) for number in range(2, 14)))
    assert (202, 12, 0, 1) == (answer.status, *(answer.body[name] for name in ("refused", "queued", "withdrawn")))
    assert sorted(f"bretagne:{number}" for number in range(2, 13)) == await strict.live()


async def test_discovery_names_the_day_without_a_token(tmp_path: Path, strict: GatewayHarness) -> None:
    """CER-003"""
    assert (
        "2026-11-30" == (await strict.ask("GET", "/.well-known/passerelle", who=None)).body["certificate_required_from"]
    )
    async with opened(tmp_path / "free") as gateway:
        discovery = await gateway.ask("GET", "/.well-known/passerelle", who=None)
    assert "certificate_required_from" not in discovery.body


async def test_every_answer_to_a_publisher_without_a_certificate_names_the_day(tmp_path: Path) -> None:
    """CER-003: refusals included; not to readers, and not once there is a certificate."""
    async with opened(tmp_path, require_certificate=date(2027, 3, 1)) as gateway:
        answers = [
            await gateway.put(offer(1)),
            await gateway.put(offer(2, sector="x")),
            await gateway.batch(ndjson(offer(3))),
            await gateway.ask("POST", "/v1/snapshots/marks"),
            await gateway.ask("DELETE", "/v1/offers/bretagne:9?revision=1"),
        ]
        assert [201, 422, 202, 201, 202] == [answer.status for answer in answers]
        assert {"2027-03-01"} == {answer.headers.get(NOTICE) for answer in answers}
        assert NOTICE not in (await gateway.ask("GET", "/v1/offers")).headers
        assert NOTICE not in (await gateway.ask("GET", "/.well-known/passerelle", who=None)).headers
        await certify(gateway)
        assert NOTICE not in (await gateway.put(offer(4))).headers


async def test_the_end_of_a_certificate_is_announced_thirty_days_before(strict: GatewayHarness) -> None:
    """CER-003"""
    await certify(strict, expires_at=START + 31 * DAY_MS)
    assert NOTICE not in (await strict.put(offer(1))).headers
    strict.clock.now += DAY_MS
    assert "2026-12-31" == (await strict.put(offer(2))).headers[NOTICE]


async def test_a_gateway_that_requires_no_certificate_sends_no_notice(gateway: GatewayHarness) -> None:
    """CER-003"""
    assert NOTICE not in (await gateway.put(offer(1))).headers
