"""The systems as an operator reads them, from the facts alone."""

from dataclasses import replace

from gateway.federation.refused import Refused
from gateway.federation.systems import SystemsFacts
from gateway.operate.health import HOUR_MS, HealthTerms, platform_health, systems
from gateway.operate.status import Facts
from gateway.pages.systems.model import lag_of, overview
from gateway.partners.onboarding import DEFAULT_SCOPES
from gateway.protocol.partner import Partner
from gateway.protocol.source_run import Failure, Pause
from gateway.store.receipt_counts import ReceiptCount
from gateway.store.statistics import SubmissionCount
from tests.pages.feeds import FAILING, PAUSED, WAITING, profile_of, runs

NOW = 1_796_000_000_000
"""A Monday."""
PUBLISHER = Partner(platform="bretagne", name="Bretagne", scopes=DEFAULT_SCOPES)
OTHER = Partner(platform="essai", name="Essai", scopes=DEFAULT_SCOPES)
OPERATOR = Partner(platform="exploitation", name="Exploitation", scopes=frozenset({"operate"}))
FEEDS = [
    Partner(platform=slug, name=slug, scopes=frozenset(), profile=profile_of(slug).document)
    for slug in (FAILING, WAITING, PAUSED)
]
FACTS = Facts(
    now=NOW,
    partners={one.platform: one for one in (*FEEDS, PUBLISHER, OTHER, OPERATOR)},
    live={"bretagne": 31},
    receipts={"bretagne": {"accepted": ReceiptCount(5, NOW - HOUR_MS)}},
    runs={run.platform: run for run in runs(NOW)},
    pauses={PAUSED: Pause(platform=PAUSED, paused=True, at=NOW)},
    inbox_lag={"bretagne": 2},
)
TERMS = HealthTerms()
RULES = [SubmissionCount(verdict="refused", rule=f"rule-{n}", number=n) for n in range(1, 9)]
FOUND = SystemsFacts(
    facts=FACTS,
    terms=TERMS,
    undecided=3,
    refused={"bretagne": Refused(12, 40), FAILING: Refused(1, 1)},
    rules=RULES,
    pauses={},
)


def test_the_twelve_systems_come_exceptions_first_and_a_paused_one_among_them() -> None:
    found = overview(FOUND, "fr")
    assert 12 == len(found.rows)
    assert [FAILING, WAITING, PAUSED, "bretagne"] == [row.platform for row in found.rows[:4]]
    assert ["down", "waiting", "paused", "fresh"] == [row.condition for row in found.rows[:4]]
    assert {"unconnected"} == {row.condition for row in found.rows[4:]}
    assert [FAILING, WAITING, PAUSED] == [row.platform for row in found.exceptions]
    assert [8, 7, 6, 5, 4, 3] == [refused.offers for _, refused in found.rules]
    assert (1, 3, Refused(13, 41)) == (found.fresh, found.undecided, found.refused)


def test_a_feed_whose_last_run_failed_or_that_is_paused_is_not_up_to_date_while_its_schedule_is_kept() -> None:
    """Only its health, which everybody may read, goes by missed exchanges alone (SEC-014)."""
    passing = Failure(at=NOW, code="feed-unreachable", fr="La source ne répond pas.", en="The source does not answer.")
    run = replace(FACTS.runs[FAILING], last_error=passing, last_success_at=NOW - HOUR_MS)
    facts = replace(FACTS, runs={FAILING: run, PAUSED: FACTS.runs[PAUSED]})
    found = overview(replace(FOUND, facts=facts), "fr")
    rows = {row.platform: row for row in found.rows}
    assert {"fresh"} == {platform_health(facts, facts.partners[slug], TERMS) for slug in (FAILING, PAUSED)}
    assert [("failing", "look"), ("paused", "look")] == [
        (rows[slug].condition, rows[slug].kind) for slug in (FAILING, PAUSED)
    ]
    assert (1, [FAILING, PAUSED]) == (found.fresh, [row.platform for row in found.exceptions])


def test_a_platform_beside_the_twelve_is_displayed_and_an_operators_client_is_not() -> None:
    assert ["essai"] == [row.platform for row in overview(FOUND, "fr").others]


def test_a_platform_beside_the_twelve_that_is_down_waits_for_an_operator_too() -> None:
    run = replace(FACTS.runs[FAILING], platform="ville")
    partners = {**FACTS.partners, "ville": replace(FEEDS[0], platform="ville", name="Ville")}
    facts = replace(FACTS, partners=partners, runs={**FACTS.runs, "ville": run})
    found = overview(replace(FOUND, facts=facts), "fr")
    assert ("ville", "down") in [(row.platform, row.condition) for row in found.exceptions]
    assert (12, 1) == (len(found.rows), found.fresh)
    assert "ville" not in [one.platform for one in systems(facts, TERMS)]
    assert ("ville", "down") in [(one.platform, one.health) for one in systems(facts, TERMS, others=True)]


def test_a_revoked_platform_differs_from_one_that_never_had_access() -> None:
    gone = replace(FOUND, facts=replace(FACTS, partners={"bretagne": replace(PUBLISHER, revoked=True)}))
    rows = {row.platform: row for row in overview(gone, "fr").rows}
    assert {"bretagne"} == {slug for slug, row in rows.items() if row.condition == "revoked"}


def test_a_row_has_lag_run_error_and_queue() -> None:
    rows = {row.platform: row for row in overview(FOUND, "en").rows}
    failing, waiting, publisher = rows[FAILING], rows[WAITING], rows["bretagne"]
    assert ("The source denies access: it answers 403.", NOW) == (failing.error, failing.error_at)
    french = {row.platform: row for row in overview(FOUND, "fr").rows}[FAILING]
    assert "La source refuse l’accès\u00a0: elle répond 403." == french.error
    assert failing.lag is not None
    assert (0, 11, 0) == (failing.lag.days, failing.lag.hours, failing.lag.minutes)
    assert (1, None, True) == (failing.refused.offers, failing.would_withdraw, failing.has_feed)
    assert (28, "feed") == (waiting.would_withdraw, waiting.transport)
    assert (31, 0, None) == (publisher.live, failing.live or 0, overview(FOUND, "fr").rows[-1].live)
    assert (None, 2, "push", False) == (publisher.lag, publisher.unread, publisher.transport, publisher.has_feed)
    assert NOW == rows[PAUSED].paused_at


def test_a_run_that_went_on_waits_no_longer() -> None:
    run = replace(FACTS.runs[WAITING], outcome="applied")
    facts = replace(FACTS, runs={WAITING: run})
    rows = {row.platform: row for row in overview(replace(FOUND, facts=facts), "fr").rows}
    assert rows[WAITING].would_withdraw is None


def test_a_revoked_platform_has_no_buttons() -> None:
    revoked = {**FACTS.partners, FAILING: replace(FEEDS[0], revoked=True)}
    rows = {row.platform: row for row in overview(replace(FOUND, facts=replace(FACTS, partners=revoked)), "fr").rows}
    assert (False, "none") == (rows[FAILING].has_feed, rows[FAILING].transport)


def test_a_lag_is_cut_to_minutes() -> None:
    lags = [lag_of(n) for n in (-5, 59_999, 61 * 60_000, 25 * HOUR_MS + 60_000)]
    assert [(0, 0, 0), (0, 0, 0), (0, 1, 1), (1, 1, 1)] == [(one.days, one.hours, one.minutes) for one in lags]
