"""The status of the federation, from facts: its entries, the details by audience, and the last error."""

from dataclasses import replace
from typing import Any

import schemas
from gateway.operate.status import (
    Facts,
    Status,
    status_document,
    statuses,
)
from gateway.partners.onboarding import DEFAULT_SCOPES
from gateway.protocol.delivery import DeliveryPart
from gateway.protocol.partner import Partner, Secret
from gateway.protocol.record import utc
from gateway.protocol.source_run import Counts, Failure, SourceRun
from gateway.store.deliveries import DeliverySummary
from gateway.store.receipt_counts import ReceiptCount
from schemas.rulebook import Language
from tests.protocol.certified import issued

NOW = 1_800_000_000_000
REGIONAL = [
    "auvergne-rhone-alpes",
    "bourgogne-franche-comte",
    "bretagne",
    "grand-est",
    "ile-de-france",
    "normandie",
    "nouvelle-aquitaine",
    "occitanie",
    "pays-de-la-loire",
]
PROBLEM = schemas.problem("revision-reused", actual=3, expected=4).to_json()


def partner(platform: str, **more: Any) -> Partner:
    secret = Secret(hash="x", created_at=NOW - 5_000)
    return Partner(**{"platform": platform, "name": platform, "scopes": DEFAULT_SCOPES, "secrets": (secret,), **more})


def facts(*partners: Partner, **more: Any) -> Facts:
    return Facts(**{"now": NOW, "partners": {one.platform: one for one in partners}, "live": {}, **more})


def line(known: Facts, platform: str | None, *, asker: str = "", operator: bool = True) -> Status:
    return next(one for one in statuses(known, asker=asker, operator=operator) if one.platform == platform)


def run(**more: Any) -> SourceRun:
    return SourceRun(
        **{"platform": "bretagne", "started_at": NOW - 20, "ended_at": NOW - 10, "outcome": "applied", **more}
    )


def test_there_is_an_entry_for_each_platform_connected_or_not() -> None:
    lines = statuses(facts(partner("sarthe"), partner("bretagne")), asker="", operator=True)
    assert [*REGIONAL, "national", None, None, "sarthe"] == [one.platform for one in lines]
    assert ["Centre-Val de Loire", "Hauts-de-France"] == [one.name for one in lines if one.kind == "uncovered"]
    assert {"bretagne", "sarthe"} == {one.platform for one in lines if one.connected}
    assert {"53", "84", None} <= {one.region for one in lines}
    assert [9, 1, 2, 1] == [
        sum(one.kind == kind for one in lines) for kind in ("regional", "national", "uncovered", "other")
    ]


def test_an_operators_client_is_no_platform() -> None:
    operate = frozenset({"operate"})
    known = facts(
        partner("a-ops", scopes=operate),
        partner("b-left", scopes=operate, revoked=True),
        partner("c-kafka", scopes=operate, feed=True),
        partner("d-inbox", scopes=operate, inbox=True),
        partner("e-pulled", scopes=operate, profile={}),
        partner("f-reader", scopes=operate | {"offers:read"}),
        partner("national", scopes=operate),
    )
    lines = statuses(known, asker="a-ops", operator=True)
    assert ["c-kafka", "d-inbox", "e-pulled", "f-reader"] == [one.platform for one in lines if one.kind == "other"]
    assert ["national"] == [one.platform for one in lines if one.kind == "national" and one.connected]


def test_a_platform_that_left_is_not_connected() -> None:
    left = line(facts(partner("bretagne", revoked=True)), "bretagne")
    assert (False, None) == (left.connected, left.since)


def test_connected_since_the_first_success_of_its_feed_else_since_its_credentials() -> None:
    older = (Secret(hash="x", created_at=NOW - 9_000), Secret(hash="y", created_at=NOW - 5_000))
    known = facts(partner("bretagne", secrets=older), partner("normandie", secrets=()))
    assert (NOW - 9_000, None) == (line(known, "bretagne").since, line(known, "normandie").since)
    fed = replace(known, runs={"bretagne": run(first_success_at=NOW - 100)})
    assert NOW - 100 == line(fed, "bretagne").since


def test_since_when_it_takes_part_outlives_its_credentials() -> None:
    assert NOW - 70_000 == line(facts(partner("bretagne", joined_at=NOW - 70_000)), "bretagne").since


def test_the_end_of_a_certificate_is_readable_by_every_partner() -> None:
    """CER-005"""
    ends = issued(expires_at=NOW + 9_000)
    known = facts(
        partner("bretagne", certificates=(ends,)),
        partner("normandie", certificates=(issued(expires_at=NOW),)),
        partner("grand-est", certificates=(issued(role="subscriber", expires_at=NOW + 9_000),)),
        partner("occitanie", certificates=(ends,), revoked=True),
    )
    lines = statuses(known, asker="normandie", operator=False)
    assert {"bretagne": NOW + 9_000} == {
        one.platform: one.certified_until for one in lines if one.certified_until is not None
    }
    assert utc(NOW + 9_000) == status_document(line(known, "bretagne"), "fr")["certified_until"]


def test_regions_without_a_platform_are_connected_by_the_national_site() -> None:
    known = facts(partner("national"), live={"32": 12, "24": 0})
    uncovered = [one for one in statuses(known, asker="bretagne", operator=False) if one.kind == "uncovered"]
    assert [("24", True, NOW - 5_000, 0), ("32", True, NOW - 5_000, 12)] == [
        (one.region, one.connected, one.since, one.live) for one in uncovered
    ]


def test_details_of_a_platform_are_readable_by_itself_and_the_operator_only() -> None:
    """SEC-014."""
    known = facts(partner("bretagne"), partner("normandie"))
    detailed = {one.platform for one in statuses(known, asker="bretagne", operator=False) if one.details is not None}
    assert {"bretagne"} == detailed
    assert None not in {one.details for one in statuses(known, asker="ops", operator=True) if one.platform}


def test_numbers_come_from_receipts_feeds_and_deliveries() -> None:
    counts = {
        "accepted": ReceiptCount(40, NOW - 50),
        "rejected": ReceiptCount(2, NOW - 60),
        "stale": ReceiptCount(1, NOW - 1),
    }
    states = {"delivered": 30, "pending": 6, "refused": 2, "not-deliverable": 1, "moderated": 1, "withdrawn": 9}
    known = facts(
        partner("bretagne"),
        receipts={"bretagne": counts},
        deliveries={
            "bretagne": DeliverySummary(states=states, due_since=NOW - 90_000),
            "normandie": DeliverySummary(states={"delivered": 5}, delivered_at=NOW - 7),
        },
        runs={"bretagne": run(counts=Counts(items=5, refused=3), last_success_at=NOW - 10)},
        inbox_lag={"bretagne": 4},
        unlisted={"bretagne": 70},
    )
    details = line(known, "bretagne").details
    assert details is not None
    assert (40, 75) == (details.accepted, details.refused)
    assert (30, 6, 4) == (details.delivered, details.pending, details.undelivered)
    assert (4, 90_000, NOW - 10) == (details.inbox_lag, details.delivery_lag, details.last_success)
    national = line(known, "national").details
    assert national is not None
    assert (35, 6, 4, NOW - 7) == (
        national.delivered,
        national.pending,
        national.undelivered,
        national.last_success,
    )


def test_the_last_error_is_the_newest_of_all_in_plain_words() -> None:
    failed = run(outcome="failed", last_error=Failure(at=NOW - 30, code="x", fr="Illisible.", en="Unreadable."))
    refused = DeliveryPart(
        group="lycee", generation=1, account="a", state="refused", since=NOW - 20, problems=(PROBLEM,), remote_id="r"
    )
    known = facts(partner("bretagne"), runs={"bretagne": failed})

    def said(known: Facts, language: Any) -> Any:
        return status_document(line(known, "bretagne"), language)["details"]["last_error"]["message"]

    assert ("Illisible.", "Unreadable.") == (said(known, "fr"), said(known, "en"))
    delivered = replace(known, deliveries={"bretagne": DeliverySummary(states={"refused": 1}, refused=refused)})
    assert PROBLEM["message"]["fr"] == said(delivered, "fr")
    newest = ReceiptCount(1, NOW - 5, {"problems": [PROBLEM]})
    rejected = replace(known, receipts={"bretagne": {"rejected": newest}})
    assert PROBLEM["message"]["en"] == said(rejected, "en")


def test_items_that_a_feed_could_not_publish_are_counted_and_the_first_is_named() -> None:
    item = {"position": "item 2", "id": "bretagne:2", **PROBLEM}
    known = facts(partner("bretagne"), runs={"bretagne": run(counts=Counts(items=5, refused=3), problems=(item,))})
    detailed: tuple[tuple[Language, str], ...] = (("fr", "bretagne:2 : "), ("en", "bretagne:2: "))
    for language, named in detailed:
        message = status_document(line(known, "bretagne"), language)["details"]["last_error"]["message"]
        assert " 3. " in message
        assert message.endswith(named + PROBLEM["message"][language])


def test_a_platform_that_has_done_nothing_yet_has_empty_details() -> None:
    document = status_document(line(facts(partner("bretagne")), "bretagne"), "fr")
    assert {
        "last_success": None,
        "last_error": None,
        "accepted": 0,
        "refused": 0,
        "delivered": 0,
        "pending": 0,
        "undelivered": 0,
        "inbox_lag": None,
        "delivery_lag_seconds": None,
    } == document["details"]


def test_the_state_of_the_national_site_is_that_of_its_accounts() -> None:
    """Connected by the connector's work alone; waiting for its right is reported."""
    at = "2027-01-15T08:00:00.000Z"
    note = {"at": at, "answered_at": at, "down": False, "search": {"state": "waiting-for-right"}}
    national = line(facts(accounts={"shared": note}), "national")
    assert national.connected
    document = status_document(national, "en")["details"]
    assert (at, "api_full_access" in document["last_error"]["message"]) == (document["last_success"], True)
    failed = {**note, "failed_at": "2027-01-16T08:00:00.000Z", "error": "502 Bad Gateway", "search": {"state": "ok"}}
    detailed = status_document(line(facts(accounts={"shared": failed}), "national"), "fr")["details"]
    assert {"at": "2027-01-16T08:00:00.000Z", "message": "502 Bad Gateway"} == detailed["last_error"]
