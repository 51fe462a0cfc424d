"""Refusals counted and named, from the facts alone."""

from dataclasses import replace
from datetime import date

from gateway.federation.refused import Refused, RefusedFacts, count_refusals, most_first
from gateway.pages.partner.refused import refusals
from gateway.pages.refusals.model import beside_feeds, by_day, feed_refusals
from gateway.protocol.refused_document import RefusedDocument
from gateway.store.refused_documents import RefusedFilter
from gateway.store.statistics import SubmissionCount
from tests.pages.feeds import FAILING, runs

NOW = 1_796_000_000_000
FILTER = RefusedFilter(first=date(2026, 11, 28), last=date(2026, 11, 30))
COUNTS = [
    SubmissionCount(platform="bretagne", verdict="refused", rule="a", number=2),
    SubmissionCount(platform="bretagne", verdict="rejected", rule="b", number=300, offers=3),
    SubmissionCount(platform="normandie", verdict="rejected", rule="a", number=70, offers=7, more=True),
    SubmissionCount(platform="normandie", verdict="accepted", rule=None, number=100),
    SubmissionCount(platform="normandie", verdict="stale", rule="a", number=100),
]


def test_only_refusals_are_counted_at_the_door_and_by_the_relay() -> None:
    normandie = Refused(7, 70, more=True)
    assert {"bretagne": Refused(5, 302), "normandie": normandie} == count_refusals(COUNTS, "platform")
    assert {"bretagne": Refused(2, 2), "normandie": normandie} == count_refusals(COUNTS, "platform", rule="a")
    assert [("a", Refused(9, 72, more=True)), ("b", Refused(3, 300))] == most_first(count_refusals(COUNTS, "rule"))
    assert {"": Refused(12, 372, more=True)} == count_refusals(COUNTS)
    unknown = SubmissionCount(verdict="refused", number=7, offers=0, more=True)
    assert {"": Refused(7, 7)} == count_refusals([unknown])


def test_a_day_without_a_refusal_is_a_day() -> None:
    days = [date(2026, 11, 30), date(2026, 11, 29), date(2026, 11, 28)]
    found = (Refused(), Refused(4, 9), Refused())
    assert list(zip(days, found, strict=True)) == by_day({"2026-11-29": found[1], "2026-11-01": Refused(9, 9)}, FILTER)


def test_a_feed_has_the_refusals_of_its_last_reading() -> None:
    run = next(runs(NOW))
    [found] = feed_refusals({FAILING: run}, FILTER, "en")
    [group] = found.groups
    assert (12, f"{FAILING}:2027-0014", "week-malformed") == (group.number, group.first, group.reason.rule.code)
    documents = [
        RefusedDocument(platform=FAILING, at=NOW, id=group.first, fields={"week-malformed": "/weeks/0"}),
        RefusedDocument(platform=FAILING, at=NOW, id=group.first, fields={"field-missing": "/sector"}),
    ]
    named = refusals(RefusedFacts(documents=documents, receipts=(), more=False), "fr")
    [left] = beside_feeds(named, [found])  # each once, where its value is
    [reason] = left.reasons
    assert ("field-missing", "Ajoutez <code>sector</code>.") == (reason.rule.code, str(reason.rule.remedy))
    assert [] == list(feed_refusals({FAILING: run}, replace(FILTER, platforms=("bretagne",)), "fr"))
    assert [] == list(feed_refusals({FAILING: run}, replace(FILTER, rule="siret-invalid"), "fr"))
    older = {name: value for name, value in run.problems[0].items() if name != "count"}
    [group] = feed_refusals({FAILING: replace(run, problems=(older,))}, FILTER, "fr")[0].groups
    assert 1 == group.number
