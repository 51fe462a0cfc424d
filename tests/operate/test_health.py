"""The health of the twelve systems: fresh, late, down or not connected, from cases."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from gateway.operate.health import FOR_A_PERSON, HOUR_MS, Health, HealthTerms, System, systems
from gateway.operate.status import Facts
from gateway.partners.onboarding import DEFAULT_SCOPES
from gateway.protocol.partner import Partner
from gateway.protocol.record import utc
from gateway.protocol.source_run import Failure, SourceRun
from gateway.store.receipt_counts import ReceiptCount
from schemas.packaged import read_json
from tests.protocol.certified import issued

NOW = round(datetime(2027, 3, 11, 15, 0, tzinfo=UTC).timestamp() * 1_000)
"""A Thursday."""
MINUTE = 60_000
DAY = 24 * HOUR_MS
TERMS = HealthTerms()


def partner(platform: str, **more: Any) -> Partner:
    return Partner(**{"platform": platform, "name": platform, "scopes": DEFAULT_SCOPES, **more})


def facts(*partners: Partner, now: int = NOW, **more: Any) -> Facts:
    return Facts(**{"now": now, "partners": {one.platform: one for one in partners}, "live": {}, **more})


def of(known: Facts, terms: HealthTerms = TERMS) -> dict[str, Health]:
    """The health of each system, by slug, or by region where it has none."""
    return {one.platform or one.region or "": one.health for one in systems(known, terms)}


def feed(every: int = HOUR_MS) -> Partner:
    """Bretagne, whose source is pulled once in so many milliseconds."""
    return partner("bretagne", profile={"transport": {"kind": "https", "every_minutes": every // MINUTE}})


def pulled(elapsed: int | None, *, every: int = HOUR_MS, outcome: str = "applied", code: str | None = None) -> Facts:
    """Bretagne, whose feed was last read some time ago."""
    success = None if elapsed is None else NOW - elapsed
    error = None if code is None else Failure(at=NOW - 1, code=code, fr="…", en="…")
    run = SourceRun(
        platform="bretagne",
        started_at=NOW - 20,
        ended_at=NOW - 10,
        outcome=outcome,  # type: ignore[arg-type]
        first_success_at=success,
        last_success_at=success,
        last_error=error,
    )
    return facts(feed(every), runs={"bretagne": run})


def publishing(accepted: int | None = None, *, now: int = NOW, live: int = 1, **verdicts: int) -> Facts:
    """Normandie, which publishes by itself; the times of its last receipts by verdict."""
    found = {**({} if accepted is None else {"accepted": accepted}), **verdicts}
    receipts = {verdict: ReceiptCount(1, at) for verdict, at in found.items()}
    return facts(
        partner("normandie"), now=now, receipts={"normandie": receipts} if receipts else {}, live={"normandie": live}
    )


def paris(day: int, hour: int) -> int:
    """An instant in March 2027, in winter time; the 11th is a Thursday."""
    return round(datetime(2027, 3, day, hour - 1, tzinfo=UTC).timestamp() * 1_000)


def test_there_are_twelve_systems_and_none_is_connected_at_first() -> None:
    found = systems(facts(partner("sarthe")), TERMS)
    assert 12 == len(found)
    assert {"unconnected"} == {one.health for one in found}
    assert System(platform=None, region="32", name="Hauts-de-France", kind="uncovered", health="unconnected") in found


@pytest.mark.parametrize(
    ("every", "elapsed", "health"),
    [
        (HOUR_MS, 0, "fresh"),
        (HOUR_MS, 2 * HOUR_MS, "fresh"),
        (HOUR_MS, 2 * HOUR_MS + 1, "late"),
        (HOUR_MS, 6 * HOUR_MS, "late"),
        (HOUR_MS, 6 * HOUR_MS + 1, "down"),
        (5 * MINUTE, 10 * MINUTE, "fresh"),
        (5 * MINUTE, 11 * MINUTE, "late"),
        (5 * MINUTE, 7 * HOUR_MS, "down"),
        (DAY, 7 * HOUR_MS, "fresh"),
        (DAY, 47 * HOUR_MS, "fresh"),
        (DAY, 49 * HOUR_MS, "late"),
        (DAY, 71 * HOUR_MS, "late"),
        (DAY, 73 * HOUR_MS, "down"),
        (HOUR_MS, -3 * HOUR_MS, "fresh"),
    ],
)
def test_a_pulled_platform_is_measured_by_its_own_schedule(every: int, elapsed: int, health: Health) -> None:
    assert health == of(pulled(elapsed, every=every))["bretagne"]


def test_both_limits_are_terms() -> None:
    terms = replace(TERMS, late_exchanges=4, down_ms=24 * HOUR_MS)
    assert "fresh" == of(pulled(4 * HOUR_MS), terms)["bretagne"]
    assert "late" == of(pulled(7 * HOUR_MS), terms)["bretagne"]
    assert "down" == of(pulled(25 * HOUR_MS), terms)["bretagne"]


def test_a_failure_that_passes_by_itself_is_no_more_than_a_missed_exchange() -> None:
    assert "fresh" == of(pulled(HOUR_MS, outcome="failed", code="feed-too-slow"))["bretagne"]
    assert "late" == of(pulled(3 * HOUR_MS, outcome="failed", code="feed-unreachable"))["bretagne"]


@pytest.mark.parametrize("code", sorted(FOR_A_PERSON))
def test_a_failure_that_only_a_person_can_mend_is_down_at_once(code: str) -> None:
    assert "down" == of(pulled(HOUR_MS, outcome="failed", code=code))["bretagne"]
    assert "fresh" == of(pulled(HOUR_MS, code=code))["bretagne"], "a later run has succeeded"


def test_every_failure_for_a_person_exists() -> None:
    assert set(read_json("words.json", package="adapters.transport")) | {"profile-invalid"} >= FOR_A_PERSON


def test_a_run_that_waits_for_a_confirmation_is_down() -> None:
    assert "down" == of(pulled(HOUR_MS, outcome="pending", code="snapshot-shrinks-too-much"))["bretagne"]


def test_a_feed_that_never_succeeded_is_not_connected_yet() -> None:
    assert "unconnected" == of(pulled(None, outcome="failed", code="feed-denied"))["bretagne"]
    assert "unconnected" == of(facts(feed()))["bretagne"]


def test_a_platform_that_left_is_not_connected() -> None:
    left = replace(pulled(HOUR_MS), partners={"bretagne": partner("bretagne", revoked=True)})
    assert "unconnected" == of(left)["bretagne"]


@pytest.mark.parametrize(
    ("last", "now", "health"),
    [
        (paris(10, 8), paris(11, 16), "fresh"),
        (paris(9, 15), paris(11, 16), "late"),
        (paris(8, 15), paris(11, 16), "down"),
        (paris(5, 18), paris(8, 9), "fresh"),  # from Friday evening to Monday morning
        (paris(5, 18), paris(9, 17), "fresh"),
        (paris(5, 18), paris(9, 19), "late"),
        (paris(6, 10), paris(9, 23), "fresh"),  # on Saturday
        (paris(6, 10), paris(10, 1), "late"),
    ],
)
def test_a_platform_that_publishes_by_itself_owes_an_exchange_on_each_working_day(
    last: int, now: int, health: Health
) -> None:
    assert health == of(publishing(last, now=now))["normandie"]


def test_a_repeated_offer_is_an_exchange_and_a_rejected_one_is_not() -> None:
    assert "fresh" == of(publishing(NOW - 20 * DAY, duplicate=NOW - HOUR_MS))["normandie"]
    assert "down" == of(publishing(NOW - 20 * DAY, rejected=NOW - HOUR_MS))["normandie"]


def test_a_platform_whose_receipts_have_ended_is_down_while_it_has_offers_and_else_not_connected() -> None:
    """The same on a replica whose view still has the count and on one whose view was rebuilt."""
    assert "down" == of(publishing(NOW - 31 * DAY))["normandie"] == of(publishing(None))["normandie"]
    assert "unconnected" == of(publishing(NOW - 31 * DAY, live=0))["normandie"]
    assert "unconnected" == of(publishing(None, live=0))["normandie"]


def test_a_platform_that_may_not_publish_for_want_of_a_certificate_is_down() -> None:
    required = replace(TERMS, require_certificate=date(2027, 3, 1))
    known = publishing(NOW - HOUR_MS)
    assert "down" == of(known, required)["normandie"]
    assert "fresh" == of(known, replace(TERMS, require_certificate=date(2027, 4, 1)))["normandie"]
    certified = partner("normandie", certificates=(issued(expires_at=NOW + DAY),))
    assert "fresh" == of(replace(known, partners={"normandie": certified}), required)["normandie"]


def test_a_platform_that_only_reads_owes_nothing() -> None:
    assert "fresh" == of(facts(partner("normandie", scopes=frozenset({"offers:read"}))))["normandie"]


def national(**notes: dict[str, Any]) -> set[Health]:
    """The health of the national site and of the two Regions that it serves."""
    found = of(facts(accounts=notes))
    return {found["national"], found["24"], found["32"]}


def searched(elapsed: int, **more: Any) -> dict[str, Any]:
    return {"search": {"state": "ok", "scanned_at": utc(NOW - elapsed), "every_minutes": 30, **more}}


@pytest.mark.parametrize(
    ("note", "health"),
    [
        (searched(HOUR_MS), "fresh"),
        (searched(61 * MINUTE), "late"),
        (searched(7 * HOUR_MS), "down"),
        (searched(90 * MINUTE, every_minutes=60), "fresh"),
        (searched(MINUTE, state="failed"), "fresh"),
        (searched(MINUTE, login_refused=True), "down"),
        ({"search": {"state": "failed", "error": "502"}}, "late"),
        ({"search": {"state": "waiting-for-right"}}, "down"),
        ({"down": False, "answered_at": utc(NOW - 9 * DAY)}, "fresh"),
        ({"down": True, "answered_at": utc(NOW - HOUR_MS)}, "late"),
        ({"down": True, "answered_at": utc(NOW - 7 * HOUR_MS)}, "down"),
        ({"down": True}, "late"),
        ({"down": True, "login_refused": True, "answered_at": utc(NOW)}, "down"),
    ],
)
def test_the_national_site_is_measured_by_its_answers(note: dict[str, Any], health: Health) -> None:
    assert {health} == national(shared=note)


def test_an_account_that_fails_alone_is_not_the_sites_failure() -> None:
    wrong = {"down": True, "login_refused": True}
    assert {"fresh"} == national(bretagne=wrong, shared=searched(MINUTE))
    assert {"down"} == national(bretagne=wrong, normandie=wrong)


def test_a_national_site_without_a_connector_is_a_platform_like_others() -> None:
    known = facts(partner("national"), receipts={"national": {"accepted": ReceiptCount(1, NOW - HOUR_MS)}})
    assert {"fresh"} == {of(known)[one] for one in ("national", "24", "32")}
