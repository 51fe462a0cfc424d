"""The status of the federation over HTTP."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

import schemas
from gateway.api.auth import scopes_of
from gateway.api.platforms import list_platforms
from gateway.protocol.delivery import Delivery, Part, delivery_record
from gateway.protocol.partner import SCOPES, Partner
from gateway.protocol.record import Record
from gateway.protocol.source_run import Failure, Run, run_record
from gateway.protocol.submission import Withdraw
from gateway.protocol.topic import DELIVERIES, OFFERS, RECEIPTS, RUNS, SUBMISSIONS, inbox
from schemas.bundle import openapi_document
from tests.api_read.house import Answer, House
from tests.views.world import offer_of


def line(answer: Answer, platform: str) -> dict[str, Any]:
    assert answer.status == 200
    return next(one for one in answer.body["platforms"] if one["platform"] == platform)


def told(answer: Answer) -> set[str]:
    """Whose details are told."""
    return {one["platform"] for one in answer.body["platforms"] if "details" in one}


async def test_everybody_is_told_who_takes_part_and_only_the_operator_how_all_do(house: House) -> None:
    """SEC-014."""
    for scopes in ("offers:read", "offers:publish", "offers:read+offers:publish"):
        assert {"bretagne"} == told(await house.get("/v1/platforms", f"bretagne/{scopes}"))
    operator = await house.get("/v1/platforms", "rennes/operate")
    assert {"bretagne", "normandie", "national", "rennes", "occitanie"} <= told(operator)
    assert (True, False) == (line(operator, "bretagne")["connected"], line(operator, "occitanie")["connected"])


async def test_who_has_no_scope_at_all_is_told_nothing(house: House) -> None:
    """SEC-002."""
    refused = await house.get("/v1/platforms", "nothing")
    assert (403, "offers:read, offers:publish, operate") == (refused.status, refused.body["expected"])
    assert 400 == (await house.get("/v1/platforms?all=true")).status


def test_the_document_names_every_scope_that_opens_it() -> None:
    security = openapi_document()["paths"]["/v1/platforms"]["get"]["security"]
    assert list(scopes_of(list_platforms)) == [scope for rule in security for scope in rule["bearer"]]


async def test_no_number_tells_of_an_offer_that_is_kept_from_who_asks(house: House) -> None:
    """SEC-014, RTE-002: one's own are all counted, others' as far as one may read them."""
    await house.publish(offer_of("bretagne:1"))
    await house.publish(offer_of("bretagne:hidden", redistribution={"regions": False}))
    await house.publish(offer_of("national:59"), department="59")
    numbers = {}
    for who in ("bretagne/offers:read", "normandie/offers:read", "rennes/operate"):
        answer = await house.get("/v1/platforms", who)
        uncovered = {one["region"]: one["live"] for one in answer.body["platforms"] if one["kind"] == "uncovered"}
        numbers[who] = line(answer, "bretagne")["live"], line(answer, "national")["live"], uncovered
    assert {
        "bretagne/offers:read": (2, 1, {"24": 0, "32": 1}),
        "normandie/offers:read": (1, 1, {"24": 0, "32": 1}),
        "rennes/operate": (2, 1, {"24": 0, "32": 1}),
    } == numbers


async def test_a_line_says_how_a_platform_does(house: House) -> None:
    await house.receive("r1", "bretagne:1", "bretagne")
    problem = schemas.problem("revision-reused", actual=3, expected=4).to_json()
    await house.receive("r2", "bretagne:1", "bretagne", verdict="rejected", problems=[problem])
    part = Part(group="lycee", generation=1, account="a", state="pending", since=house.clock.at - 65_000)
    await house.put(DELIVERIES, delivery_record(Delivery(id="bretagne:1", sequence=1, parts=(part,))))
    failure = Failure(at=house.clock.at + 5, code="feed-cut", fr="Flux coupé.", en="The feed was cut.")
    run = Run(platform="bretagne", started_at=1, ended_at=2, outcome="failed", last_error=failure)
    await house.put(RUNS, run_record(run))
    for language, message in (("fr", "Flux coupé."), ("en", "The feed was cut.")):
        answer = await house.get("/v1/platforms", "bretagne", headers={"Accept-Language": language})
        details = line(answer, "bretagne")["details"]
        assert (language, message) == (answer.headers["Content-Language"], details["last_error"]["message"])
        assert (1, 1, 1, 65) == (
            details["accepted"],
            details["refused"],
            details["pending"],
            details["delivery_lag_seconds"],
        )


async def test_what_waits_is_counted(house: House) -> None:
    """Undecided submissions, and messages of an inbox that nobody has taken in yet."""
    log, native = house.context.log, Partner(platform="sarthe", name="Sarthe", scopes=frozenset(SCOPES), inbox=True)
    await log.create_topics([inbox("sarthe")])
    await house.context.partners.save(native)
    before = await house.get("/v1/platforms", "sarthe/offers:publish")
    withdrawal = Withdraw(receipt="r", publisher="sarthe", id="sarthe:1", revision=1, reason="filled", digest="0")
    await house.context.submissions.submit([withdrawal])
    await log.append(inbox("sarthe").name, 0, [Record(b"sarthe:1", b"{}"), Record(b"sarthe:2", b"{}")])
    after = await house.get("/v1/platforms", "sarthe/offers:publish")
    assert before.body["undecided"] < after.body["undecided"]
    waiting = [line(answer, "sarthe")["details"]["inbox_lag"] for answer in (before, after)]
    assert waiting in ([0, 2], [0, 3]), "a commit may burn an offset"
    await house.relay_reads_everything()
    assert await house.context.positions.reached(SUBMISSIONS, await log.ends(SUBMISSIONS), timeout=10)
    assert 0 == (await house.get("/v1/platforms", "sarthe/offers:publish")).body["undecided"]


async def test_what_the_log_does_not_say_is_left_open_and_the_rest_is_told(house: House) -> None:
    native = Partner(platform="sarthe", name="Sarthe", scopes=frozenset(SCOPES), inbox=True)
    await house.context.partners.save(native)  # its topic was never created
    answer = await house.get("/v1/platforms", "sarthe/offers:publish")
    assert (True, None) == (line(answer, "sarthe")["connected"], line(answer, "sarthe")["details"]["inbox_lag"])


async def test_while_the_view_is_filled_nothing_is_said_of_offers(house: House) -> None:
    async with house.filling(OFFERS) as behind:
        answer = await behind.get("/v1/platforms", "rennes")
    assert {None} == {one["live"] for one in answer.body["platforms"]}


@pytest.mark.parametrize("topic", [RECEIPTS, DELIVERIES, RUNS])
async def test_while_a_view_is_filled_details_are_left_open(house: House, topic: str) -> None:
    """ERR-008: a nought would say that there is nothing."""
    async with house.filling(topic) as behind:
        answer = await behind.get("/v1/platforms", "bretagne")
    assert {None} == set(line(answer, "bretagne")["details"].values())
    assert 0 == line(answer, "bretagne")["live"]
    assert_as_documented(answer)


@pytest.mark.parametrize("who", ["rennes/operate", "bretagne/offers:read"])
async def test_an_answer_is_as_the_document_says(house: House, who: str) -> None:
    await house.receive("r1", "bretagne:1", "bretagne")
    assert_as_documented(await house.get("/v1/platforms", who))


def assert_as_documented(answer: Answer) -> None:
    document = openapi_document()
    content = document["paths"]["/v1/platforms"]["get"]["responses"]["200"]["content"]["application/json"]
    schema = {"components": document["components"], **content["schema"]}
    assert [] == [error.message for error in Draft202012Validator(schema).iter_errors(answer.body)]
