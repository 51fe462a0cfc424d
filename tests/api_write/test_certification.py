"""Publishing where it needs a certificate: refused without one, told beforehand, withdrawals as before."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import schemas
from tests.api_write.gate import DAY_MS, START, Gate, ndjson, offer, opened
from tests.protocol.certified import issued

TODAY = date(2026, 11, 30)
NOTICE = "Certificate-Required-From"


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[Gate]:
    """A gateway that requires certificates from this day on."""
    async with opened(tmp_path, require_certificate=TODAY) as gate:
        yield gate


async def certify(gate: Gate, platform: str = "bretagne", **more: Any) -> None:
    partner = gate.context.partners.get(platform)
    assert partner is not None
    await gate.context.partners.save(replace(partner, certificates=(issued(platform=platform, **more),)))


async def published(gate: Gate, *numbers: int) -> None:
    """Offers of Bretagne, from when it was certified; it is not any more."""
    await certify(gate)
    answer = await gate.batch(ndjson(*(offer(number) for number in numbers)))
    assert 202 == answer.status, answer.raw
    await gate.settled()
    await certify(gate, expires_at=START)


async def test_without_a_certificate_an_offer_is_refused_with_the_day_and_the_way_to_get_one(strict: Gate) -> None:
    """CER-001"""
    answer = await strict.put(offer(1), headers={"Accept-Language": "en"})
    assert (403, "certificate-missing") == (answer.status, answer.code)
    schemas.validator("problem").validate(answer.body)
    assert "since 2026-11-30" in answer.body["detail"]
    assert [] == await strict.submitted()


async def test_with_a_certificate_it_is_taken_until_that_ends(strict: Gate) -> None:
    """CER-001"""
    await certify(strict, expires_at=START + DAY_MS)
    assert 201 == (await strict.put(offer(1))).status
    strict.clock.at = START + DAY_MS
    assert 403 == (await strict.put(offer(2))).status


async def test_before_the_day_everybody_publishes(tmp_path: Path) -> None:
    """CER-001"""
    async with opened(tmp_path, require_certificate=date(2026, 12, 1)) as gate:
        assert 201 == (await gate.put(offer(1))).status
        gate.clock.at = START + DAY_MS
        assert 403 == (await gate.put(offer(2))).status


async def test_withdrawing_reading_and_dry_runs_stay_possible(strict: Gate) -> None:
    """CER-001"""
    await published(strict, 1, 2)
    assert 200 == (await strict.put(offer(3), query="?dry_run=true")).status
    dry = await strict.batch(ndjson(offer(3)), query="?dry_run=true")
    assert (200, ["valid"]) == (dry.status, [item["status"] for item in dry.body["results"]])
    gone = await strict.ask("DELETE", "/v1/offers/bretagne:1?revision=2", headers={"Prefer": "wait=10"})
    assert 200 == gone.status
    assert ["bretagne:2"] == await strict.live()


async def test_of_a_batch_the_withdrawals_are_taken(strict: Gate) -> None:
    """CER-001: the offers are refused, each with all that is wrong with it."""
    await published(strict, 1)
    withdrawal = {"id": "bretagne:1", "revision": 2, "withdrawn": "filled"}
    answer = await strict.batch(ndjson(offer(2), withdrawal, offer(3, sector="x")), query="?partial=true")
    assert 207 == answer.status
    assert [["certificate-missing"], [], ["certificate-missing", "not-in-list"]] == [
        [problem["code"] for problem in item.get("problems", ())] for item in answer.body["results"]
    ]
    assert [] == await strict.live()


async def test_anothers_offer_in_a_batch_is_told_as_that(strict: Gate) -> None:
    """CER-001, IDN-003"""
    answer = await strict.batch(ndjson(offer(1, platform="normandie")))
    assert ["not-owner"] == [problem["code"] for problem in answer.body["results"][0]["problems"]]


async def test_in_a_snapshot_offers_that_are_refused_count_as_present(strict: Gate) -> None:
    """CER-001, PUB-025: nothing is published, and only what is absent is withdrawn."""
    await published(strict, *range(1, 13))
    answer = await strict.snapshot(await strict.mark(), *(offer(number, 2) for number in range(2, 14)))
    assert (202, 12, 0, 1) == (answer.status, *(answer.body[name] for name in ("refused", "queued", "withdrawn")))
    assert sorted(f"bretagne:{number}" for number in range(2, 13)) == await strict.live()


async def test_the_day_is_told_without_a_token(tmp_path: Path, strict: Gate) -> None:
    """CER-003"""
    assert (
        "2026-11-30" == (await strict.ask("GET", "/.well-known/passerelle", who=None)).body["certificate_required_from"]
    )
    async with opened(tmp_path / "free") as gate:
        told = await gate.ask("GET", "/.well-known/passerelle", who=None)
    assert "certificate_required_from" not in told.body


async def test_the_day_is_told_with_every_answer_to_a_publisher_who_lacks_a_certificate(tmp_path: Path) -> None:
    """CER-003: refusals included; not to readers, and not once there is a certificate."""
    async with opened(tmp_path, require_certificate=date(2027, 3, 1)) as gate:
        answers = [
            await gate.put(offer(1)),
            await gate.put(offer(2, sector="x")),
            await gate.batch(ndjson(offer(3))),
            await gate.ask("POST", "/v1/snapshots/marks"),
            await gate.ask("DELETE", "/v1/offers/bretagne:9?revision=1"),
        ]
        assert [201, 422, 202, 201, 202] == [answer.status for answer in answers]
        assert {"2027-03-01"} == {answer.headers.get(NOTICE) for answer in answers}
        assert NOTICE not in (await gate.ask("GET", "/v1/offers")).headers
        assert NOTICE not in (await gate.ask("GET", "/.well-known/passerelle", who=None)).headers
        await certify(gate)
        assert NOTICE not in (await gate.put(offer(4))).headers


async def test_the_end_of_a_certificate_is_told_thirty_days_before(strict: Gate) -> None:
    """CER-003"""
    await certify(strict, expires_at=START + 31 * DAY_MS)
    assert NOTICE not in (await strict.put(offer(1))).headers
    strict.clock.at += DAY_MS
    assert "2026-12-31" == (await strict.put(offer(2))).headers[NOTICE]


async def test_where_nothing_is_required_nothing_is_told(gate: Gate) -> None:
    """CER-003"""
    assert NOTICE not in (await gate.put(offer(1))).headers
