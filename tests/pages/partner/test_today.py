"""What needs a platform, from the facts alone."""

from dataclasses import replace
from datetime import date

import pytest

import schemas
from gateway.federation.platform import TodayFacts
from gateway.federation.refused import Refused, RefusedFacts
from gateway.pages.partner.days import days_of
from gateway.pages.partner.rules import of_problem, of_rule
from gateway.pages.partner.today import MAX_RULES, todos
from gateway.protocol.partner import Partner, Secret
from gateway.protocol.record import utc
from gateway.protocol.refused_document import RefusedDocument
from gateway.protocol.source_run import Counts, Failure, SourceRun
from gateway.store.deliveries import DeliverySummary
from gateway.store.statistics import SubmissionCount
from tests.pages.partner.moderated import moderation

NOW = 1_796_000_000_000  # 2026-11-30
HOUR = 3_600_000
PARTNER = Partner(platform="bretagne", name="Bretagne", scopes=frozenset({"offers:publish"}))
NO_REFUSALS = RefusedFacts(documents=(), receipts=(), more=False)
FACTS = TodayFacts(
    now=NOW,
    live=31,
    run=None,
    every_ms=None,
    deliveries=None,
    rules=(),
    days=(),
    month=Refused(),
    refused=NO_REFUSALS,
    moderations=(),
)
RUN = SourceRun(
    platform="bretagne", started_at=NOW - HOUR, ended_at=NOW - HOUR, outcome="applied", counts=Counts(items=3)
)
FAILURE = Failure(at=NOW, code="feed-denied", fr="Le site répond 403.", en="The site answers 403.")


def names(facts: TodayFacts, partner: Partner = PARTNER, *, required: date | None = None) -> list[tuple[str, str]]:
    return [(todo.kind, todo.name) for todo in todos(facts, partner, required=required, language="fr")]


def test_nothing_is_to_do_where_nothing_is_wrong() -> None:
    assert [] == names(FACTS)
    assert [] == names(replace(FACTS, run=RUN, every_ms=HOUR))


@pytest.mark.parametrize(
    ("run", "found"),
    [
        (None, ("look", "feed_never")),
        (replace(RUN, outcome="failed", last_error=FAILURE), ("blocked", "feed_failed")),
        (replace(RUN, outcome="failed", last_error=FAILURE, last_success_at=NOW), ("blocked", "feed_failed_since")),
        (replace(RUN, outcome="pending", would_withdraw=28), ("blocked", "feed_pending")),
        (replace(RUN, ended_at=NOW - 2 * HOUR - 1), ("blocked", "feed_silent")),
    ],
)
def test_a_feed_that_is_not_read_is_named(run: SourceRun | None, found: tuple[str, str]) -> None:
    assert [found] == names(replace(FACTS, run=run, every_ms=HOUR))


@pytest.mark.parametrize(
    ("run", "found"),
    [
        (None, []),
        (replace(RUN, ended_at=NOW - 9 * HOUR), []),
        (replace(RUN, outcome="failed", last_error=FAILURE), [("blocked", "feed_failed")]),
    ],
)
def test_a_feed_that_the_operator_paused_is_said_to_be(run: SourceRun | None, found: list[tuple[str, str]]) -> None:
    """It is not late: the operator knows."""
    facts = replace(FACTS, run=run, every_ms=HOUR, paused_at=NOW - 8 * HOUR)
    assert [*found, ("look", "feed_paused")] == names(facts)


def test_problems_of_a_feed_are_grouped_by_rule_errors_first() -> None:
    error = {**schemas.problem("week-malformed", actual="2027-W9").to_json(), "count": 12, "position": "3", "id": "a"}
    warning = {**schemas.problem("employer-undescribed").to_json(), "count": 40, "position": "1", "id": None}
    run = replace(RUN, problems=(warning, error))
    found = todos(replace(FACTS, run=run, every_ms=HOUR), PARTNER, required=None, language="fr")
    assert [("feed_refused", 12, "a"), ("feed_warned", 40, "1")] == [
        (todo.name, todo.values["n"], todo.values["first"]) for todo in found
    ]
    assert [True, True] == [todo.rule is not None and todo.rule.remedy is not None for todo in found]


def test_refusals_of_a_publisher_come_by_rule_the_most_frequent_first() -> None:
    rules = [SubmissionCount(verdict="refused", rule=f"rule-{n}", number=n) for n in range(1, MAX_RULES + 3)]
    rules += [
        SubmissionCount(verdict="rejected", rule="rule-1", number=100),
        SubmissionCount(verdict="accepted", rule="rule-2", number=999),
    ]
    facts = replace(FACTS, rules=(*rules, SubmissionCount(verdict="refused", rule=None, number=5)))
    found = [todo.values["n"] for todo in todos(facts, PARTNER, required=None, language="en")]
    assert [101, 7, 6, 5, 4] == found
    assert [] == names(replace(facts, run=RUN, every_ms=HOUR))


def test_refusals_by_a_rule_name_the_newest_offers_with_their_fields() -> None:
    """Each offer once, from refusals at the door and from receipts."""
    documents = [
        RefusedDocument(platform="bretagne", at=NOW - n, id=f"bretagne:{n % 4}", fields={"text-blank": "/title"})
        for n in range(8)
    ]
    item = RefusedDocument(platform="bretagne", at=NOW + 1, index=6, fields={"text-blank": "/description", "b": None})
    receipt = {"receipt": "r", "publisher": "bretagne", "id": "bretagne:z", "at": utc(NOW + 2), "verdict": "rejected"}
    problems = [{**schemas.problem("text-blank").to_json(), "pointer": "/employer/name"}]
    refused = RefusedFacts(documents=(item, *documents), receipts=[{**receipt, "problems": problems}], more=False)
    rules = [
        SubmissionCount(verdict="refused", rule="text-blank", number=10),
        SubmissionCount(verdict="refused", rule="other", number=1),
    ]
    first, second = todos(replace(FACTS, rules=rules, refused=refused), PARTNER, required=None, language="fr")
    assert [
        ("bretagne:z", None, "/employer/name"),
        (None, 7, "/description"),
        ("bretagne:0", None, "/title"),
    ] == [(one.refusal.offer, one.refusal.number, one.pointer) for one in first.examples]
    assert ("refused", []) == (second.name, list(second.examples))


def test_moderated_offers_are_to_do_until_they_are_online_or_withdrawn() -> None:
    for name, found in (
        ("moderated", [("blocked", "moderated")]),
        ("lifted", [("look", "lifted")]),
        ("online", []),
        ("offline", []),
    ):
        assert found == names(replace(FACTS, moderations=[moderation(name)] * 2)), name
        counted = todos(replace(FACTS, moderations=[moderation(name)] * 2), PARTNER, required=None, language="en")
        assert {2} >= {todo.values["n"] for todo in counted}


def test_refused_deliveries_and_a_secret_that_ends_are_to_do() -> None:
    summary = DeliverySummary(states={"refused": 2, "not-deliverable": 1, "delivered": 9})
    secrets = (Secret(hash="a", created_at=NOW), Secret(hash="b", created_at=0, ends_at=NOW + HOUR))
    partner = replace(PARTNER, secrets=secrets)
    found = names(replace(FACTS, deliveries=summary), partner)
    assert [("blocked", "undelivered"), ("look", "undeliverable"), ("look", "secret_ends")] == found
    assert [] == names(FACTS, replace(PARTNER, secrets=(replace(secrets[1], ends_at=NOW),)))


@pytest.mark.parametrize(
    ("required", "found"),
    [
        (None, []),
        (date(2026, 12, 15), [("look", "certificate_wanted")]),
        (date(2026, 11, 30), [("blocked", "certificate_missing")]),
    ],
)
def test_a_missing_certificate_is_to_do_for_a_publisher(required: date | None, found: list[tuple[str, str]]) -> None:
    assert found == names(FACTS, required=required)
    assert [] == names(FACTS, replace(PARTNER, scopes=frozenset({"offers:read"})), required=required)


def test_days_without_a_count_are_days() -> None:
    counts = [
        SubmissionCount(day="2026-11-28", verdict="accepted", number=5),
        SubmissionCount(day="2026-11-28", verdict="refused", number=2),
        SubmissionCount(day="2026-11-30", verdict="withdrawn", number=1),
        SubmissionCount(day="2026-11-01", verdict="accepted", number=99),
    ]
    days = days_of(counts, first=date(2026, 11, 27), last=date(2026, 11, 30))
    assert [False, True, True, False] == list(days.weekend)
    received, refused, withdrawn = days.bands
    assert ([0, 7, 0, 0], [0, 2, 0, 0], [0, 0, 0, 1]) == (received.values, refused.values, withdrawn.values)
    assert (7, date(2026, 11, 28)) == (received.most, received.peak)


def test_a_rule_of_a_later_version_is_its_code() -> None:
    unknown = of_rule("new-rule", "fr")
    assert ("new-rule", None, None) == (unknown.code, unknown.remedy, unknown.requirement)
    assert "<code>new-rule</code>" == unknown.name
    text = of_problem({"code": "new", "message": "<b>Le site dit non.</b>"}, "en")
    assert "&lt;b&gt;" in (text.sentence or "")
    assert not (text.sentence or ".").endswith(".")
    assert ("Malformed week", None) == (of_rule("week-malformed", "en").name, of_rule("week-malformed", "en").sentence)
    assert "Semaines illisibles" == of_rule("weeks-unreadable", "fr").name
