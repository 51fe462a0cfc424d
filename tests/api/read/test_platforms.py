"""The status of the federation over HTTP."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

import schemas
from gateway.api.auth import scopes_of
from gateway.api.platforms import list_platforms
from gateway.partners.credential import revoke
from gateway.protocol.certificate import Issued, Nonce, Role, without_certificate
from gateway.protocol.delivery import Delivery, DeliveryPart, delivery_record
from gateway.protocol.partner import SCOPES, Partner
from gateway.protocol.record import Record, utc
from gateway.protocol.source_run import Failure, SourceRun, run_record
from gateway.protocol.submission import Withdraw
from gateway.protocol.topic import DELIVERIES, OFFERS, RECEIPTS, RUNS, SUBMISSIONS, inbox
from schemas.contract import openapi_document
from tests.api.read.read_api import Answer, ReadApi
from tests.protocol.certified import DAY, VERSIONS, issued
from tests.store.offer_topic import offer_of


def line(answer: Answer, platform: str) -> dict[str, Any]:
    assert answer.status == 200
    return next(one for one in answer.body["platforms"] if one["platform"] == platform)


def detailed(answer: Answer) -> set[str]:
    """The platforms with details."""
    return {one["platform"] for one in answer.body["platforms"] if "details" in one}


async def test_every_partner_reads_the_list_of_platforms_and_only_the_operator_all_details(api: ReadApi) -> None:
    """SEC-014."""
    for scopes in ("offers:read", "offers:publish", "offers:read+offers:publish"):
        assert {"bretagne"} == detailed(await api.get("/v1/platforms", f"bretagne/{scopes}"))
    operator = await api.get("/v1/platforms", "rennes/operate")
    assert {"bretagne", "normandie", "national", "rennes", "occitanie"} <= detailed(operator)
    assert (True, False) == (line(operator, "bretagne")["connected"], line(operator, "occitanie")["connected"])


async def test_a_partner_without_any_scope_reads_no_platforms(api: ReadApi) -> None:
    """SEC-002."""
    refused = await api.get("/v1/platforms", "nothing")
    assert (403, "offers:read, offers:publish, operate") == (refused.status, refused.body["expected"])
    assert 400 == (await api.get("/v1/platforms?all=true")).status


def test_the_document_names_every_scope_that_opens_it() -> None:
    assert list(scopes_of(list_platforms)) == openapi_document()["paths"]["/v1/platforms"]["get"]["x-scopes"]


async def test_no_count_reveals_an_offer_that_the_subscriber_may_not_see(api: ReadApi) -> None:
    """SEC-014, RTE-002: a platform's own offers are all counted, others' as far as it may read them."""
    await api.publish(offer_of("bretagne:1"))
    await api.publish(offer_of("bretagne:hidden", redistribution={"regions": False}))
    await api.publish(offer_of("national:59"), department="59")
    numbers = {}
    for who in ("bretagne/offers:read", "normandie/offers:read", "rennes/operate"):
        answer = await api.get("/v1/platforms", who)
        uncovered = {one["region"]: one["live"] for one in answer.body["platforms"] if one["kind"] == "uncovered"}
        numbers[who] = line(answer, "bretagne")["live"], line(answer, "national")["live"], uncovered
    assert {
        "bretagne/offers:read": (2, 1, {"24": 0, "32": 1}),
        "normandie/offers:read": (1, 1, {"24": 0, "32": 1}),
        "rennes/operate": (2, 1, {"24": 0, "32": 1}),
    } == numbers


async def test_an_entry_reports_the_state_of_a_platform(api: ReadApi) -> None:
    await api.receive("r1", "bretagne:1", "bretagne")
    problem = schemas.problem("revision-reused", actual=3, expected=4).to_json()
    await api.receive("r2", "bretagne:1", "bretagne", verdict="rejected", problems=[problem])
    part = DeliveryPart(group="lycee", generation=1, account="a", state="pending", since=api.clock.now - 65_000)
    await api.put(DELIVERIES, delivery_record(Delivery(id="bretagne:1", sequence=1, parts=(part,))))
    failure = Failure(at=api.clock.now + 5, code="feed-cut", fr="Flux coupé.", en="The feed was cut.")
    run = SourceRun(platform="bretagne", started_at=1, ended_at=2, outcome="failed", last_error=failure)
    await api.put(RUNS, run_record(run))
    for language, message in (("fr", "Flux coupé."), ("en", "The feed was cut.")):
        answer = await api.get("/v1/platforms", "bretagne", headers={"Accept-Language": language})
        details = line(answer, "bretagne")["details"]
        assert (language, message) == (answer.headers["Content-Language"], details["last_error"]["message"])
        assert (1, 1, 1, 65) == (
            details["accepted"],
            details["refused"],
            details["pending"],
            details["delivery_lag_seconds"],
        )


async def certified(api: ReadApi, slug: str, *kept: Issued) -> None:
    partner = api.context.federation.partners.get(slug)
    assert partner is not None
    await api.context.federation.partners.save(replace(partner, certificates=kept))


def certificate(api: ReadApi, slug: str, role: Role, *, days: int = 100) -> Issued:
    """Issued an hour ago, for so many days from now."""
    at = api.clock.now // 1_000 * 1_000
    return issued(platform=slug, role=role, issued_at=at - 3_600_000, expires_at=at + days * DAY)


async def test_every_partner_reads_which_platforms_are_certified_and_nothing_else_of_them(api: ReadApi) -> None:
    """SEC-014, CER-004, CER-005, CER-006."""
    kept = [certificate(api, "normandie", role) for role in ("subscriber", "publisher")]
    nonce = Nonce(text="nonce-of-normandie-1", issued_at=1, expires_at=api.clock.now + DAY)
    partner = api.context.federation.partners.get("normandie")
    assert partner is not None
    await api.context.federation.partners.save(replace(partner, certificates=tuple(kept), nonces=(nonce,)))
    for scopes in ("offers:read", "offers:publish"):
        answer = await api.get("/v1/platforms", f"bretagne/{scopes}")
        found = line(answer, "normandie")
        assert ["publisher", "subscriber"] == [one["role"] for one in found["certificates"]]
        [first, _] = found["certificates"]
        since, until = kept[1].certificate.issued_at, kept[1].certificate.expires_at
        expected = {"profile": "full", "kit": VERSIONS["kit"], "since": utc(since), "until": utc(until)}
        assert {"role": "publisher", "basis": "own-word", "replayed": None, **expected} == first
        assert utc(until) == found["certified_until"]
        assert "details" not in found
        text = orjson.dumps(answer.body).decode()
        assert [] == [one for one in (kept[0].signed, kept[0].certificate.evidence, nonce.text) if one in text]
        assert_as_documented(answer)


async def test_a_certificate_that_ended_or_was_revoked_is_not_listed(api: ReadApi) -> None:
    """CER-004: nor are those of a platform that was revoked."""
    publisher = certificate(api, "normandie", "publisher", days=1)
    subscriber = certificate(api, "normandie", "subscriber")

    async def roles() -> list[str]:
        found = line(await api.get("/v1/platforms", "bretagne"), "normandie")
        assert (found["certified_until"] is None) == ("publisher" not in [one["role"] for one in found["certificates"]])
        return [one["role"] for one in found["certificates"]]

    await certified(api, "normandie", publisher, subscriber)
    assert ["publisher", "subscriber"] == await roles()
    api.clock.now += DAY
    assert ["subscriber"] == await roles()
    await certified(api, "normandie", *without_certificate((publisher, subscriber), "subscriber"))
    assert [] == await roles()
    await certified(api, "normandie", certificate(api, "normandie", "publisher"))
    assert ["publisher"] == await roles()
    partner = api.context.federation.partners.get("normandie")
    assert partner is not None
    await api.context.federation.partners.save(revoke(partner))
    assert [] == await roles()


async def test_undecided_submissions_are_counted(api: ReadApi) -> None:
    """Undecided submissions, and messages of an inbox that were not read yet."""
    log, native = (
        api.context.federation.log,
        Partner(platform="sarthe", name="Sarthe", scopes=frozenset(SCOPES), inbox=True),
    )
    await log.create_topics([inbox("sarthe")])
    await api.context.federation.partners.save(native)
    before = await api.get("/v1/platforms", "sarthe/offers:publish")
    withdrawal = Withdraw(receipt="r", publisher="sarthe", id="sarthe:1", revision=1, reason="filled", digest="0")
    await api.context.federation.submissions.submit([withdrawal])
    await log.append(inbox("sarthe").name, 0, [Record(b"sarthe:1", b"{}"), Record(b"sarthe:2", b"{}")])
    after = await api.get("/v1/platforms", "sarthe/offers:publish")
    assert before.body["undecided"] < after.body["undecided"]
    waiting = [line(answer, "sarthe")["details"]["inbox_lag"] for answer in (before, after)]
    assert waiting in ([0, 2], [0, 3]), "a commit may burn an offset"
    await api.relay_reads_everything()
    assert await api.context.federation.positions.reached(SUBMISSIONS, await log.ends(SUBMISSIONS), timeout=10)
    assert 0 == (await api.get("/v1/platforms", "sarthe/offers:publish")).body["undecided"]


async def test_details_that_the_log_does_not_hold_are_null_and_the_rest_is_reported(api: ReadApi) -> None:
    native = Partner(platform="sarthe", name="Sarthe", scopes=frozenset(SCOPES), inbox=True)
    await api.context.federation.partners.save(native)  # its topic was never created
    answer = await api.get("/v1/platforms", "sarthe/offers:publish")
    assert (True, None) == (line(answer, "sarthe")["connected"], line(answer, "sarthe")["details"]["inbox_lag"])


async def test_counts_of_offers_are_absent_while_the_view_is_filled(api: ReadApi) -> None:
    async with api.filling(OFFERS) as behind:
        answer = await behind.get("/v1/platforms", "rennes")
    assert {None} == {one["live"] for one in answer.body["platforms"]}


@pytest.mark.parametrize("topic", [RECEIPTS, DELIVERIES, RUNS])
async def test_details_are_null_while_a_view_is_filled(api: ReadApi, topic: str) -> None:
    """ERR-008: a 0 would mean that there is nothing."""
    async with api.filling(topic) as behind:
        answer = await behind.get("/v1/platforms", "bretagne")
    assert {None} == set(line(answer, "bretagne")["details"].values())
    assert 0 == line(answer, "bretagne")["live"]
    assert_as_documented(answer)


@pytest.mark.parametrize("who", ["rennes/operate", "bretagne/offers:read"])
async def test_an_answer_is_as_the_document_says(api: ReadApi, who: str) -> None:
    await api.receive("r1", "bretagne:1", "bretagne")
    assert_as_documented(await api.get("/v1/platforms", who))


def assert_as_documented(answer: Answer) -> None:
    document = openapi_document()
    content = document["paths"]["/v1/platforms"]["get"]["responses"]["200"]["content"]["application/json"]
    schema = {"components": document["components"], **content["schema"]}
    assert [] == [error.message for error in Draft202012Validator(schema).iter_errors(answer.body)]
