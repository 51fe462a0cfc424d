"""Events: each fact that the federation knows is due to the contacts whom it concerns, in its own window."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from gateway.notices.events import BUCKET_MS, Moment, events
from gateway.notices.notice import Event, Ledger, due, sending, settled
from gateway.operate.health import HealthTerms
from gateway.operate.status import Facts
from gateway.protocol.certificate import NOTICE_MS
from gateway.protocol.contact import Contact
from gateway.protocol.delivery import DeliveryPart
from gateway.protocol.journal import JournalEntry
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner, Secret
from gateway.protocol.source_run import Pause, SourceRun
from gateway.store.deliveries import DeliverySummary
from tests.protocol.certified import issued

NOW = 1_800_000_000_000
HOUR = 3_600_000
TODAY = paris_date(NOW)
PULLED = Partner(
    platform="normandie",
    name="Normandie",
    scopes=frozenset({"offers:read"}),
    profile={"transport": {"kind": "https", "every_minutes": 60}},
)
OPERATOR = Partner(platform="exploitation", name="Exploitation", scopes=frozenset({"operate"}))
CONTACT = Contact(
    id="c1", platform="normandie", address="a@example.org", name="A", language="fr", asked_at=1, confirmed_at=1
)
OF_OPERATOR = replace(CONTACT, id="c2", platform="exploitation")
CONTACTS = {"c1": CONTACT, "c2": OF_OPERATOR}
RUN = SourceRun(platform="normandie", started_at=NOW, ended_at=NOW, outcome="applied", last_success_at=NOW)
FRESH = Facts(now=NOW, partners={"normandie": PULLED, "exploitation": OPERATOR}, live={}, runs={"normandie": RUN})
LATE = replace(FRESH, runs={"normandie": replace(RUN, last_success_at=NOW - 3 * HOUR)})


def found(moment: Moment, ledger: Ledger | None = None) -> list[tuple[str, str, str, int]]:
    known = events(moment, CONTACTS, ledger or Ledger())
    return [(one.contact, one.kind, one.window, one.number) for one in known]


def at(facts: Facts, **known: object) -> Moment:
    return Moment(facts=facts, terms=HealthTerms(), **known)  # type: ignore[arg-type]  # of a test


def sent(event: Event) -> Ledger:
    [notice] = settled(sending([due(event, now=NOW)], now=NOW), "sent", now=NOW)
    return Ledger({event.id: notice})


def test_a_feed_fails_by_its_own_schedule_and_its_window_is_its_last_success() -> None:
    assert [] == found(at(FRESH))
    window = str(NOW - 3 * HOUR)
    assert ("c1", "feed-failed", window, 1) in found(at(LATE))
    assert ("c2", "systems-late", TODAY, 1) in found(at(LATE))
    slow = replace(PULLED, profile={"transport": {"kind": "https", "every_minutes": 600}})
    assert [] == found(at(replace(LATE, partners={**LATE.partners, "normandie": slow})))
    paused = replace(LATE, pauses={"normandie": Pause(platform="normandie", paused=True, at=NOW)})
    assert "feed-failed" not in {kind for _, kind, _, _ in found(at(paused))}


def test_an_operator_gets_a_notice_of_a_late_platform_beside_the_twelve() -> None:
    partner, run = replace(PULLED, platform="ville"), replace(LATE.runs["normandie"], platform="ville")
    late = replace(LATE, partners={**LATE.partners, "ville": partner}, runs={**LATE.runs, "ville": run})
    kinds = [event.about for event in events(at(late), CONTACTS, Ledger()) if event.kind == "systems-late"]
    assert "ville" in kinds


def test_what_had_failed_is_said_to_be_back_to_those_who_were_to_know_it() -> None:
    kinds = ("feed-failed", "systems-late")
    [failed, late] = [one for one in events(at(LATE), CONTACTS, Ledger()) if one.kind in kinds]
    assert [] == [one for one in found(at(LATE), sent(failed)) if one[1] == "feed-recovered"]
    assert [("c1", "feed-recovered", failed.window, 1)] == found(at(FRESH), sent(failed))
    assert [("c2", "systems-back", TODAY, 1)] == found(at(FRESH), sent(late))
    dropped = Ledger({failed.id: replace(due(failed, now=NOW), state="failed")})
    assert [] == found(at(FRESH), dropped)


@pytest.mark.parametrize(
    ("usual", "number", "expected"), [(0, 9, 0), (0, 10, 1), (10, 10, 0), (10, 11, 1), (899, 900, 1), (900, 900, 0)]
)
def test_refusals_are_a_fact_above_the_median_of_two_weeks_and_from_ten_on(
    usual: int, number: int, expected: int
) -> None:
    days = {(date.fromisoformat(TODAY) - timedelta(days=n)).isoformat(): usual for n in range(1, 15)}
    moment = at(FRESH, refusals={"normandie": {**days, TODAY: number}})
    assert [("c1", "refusals", TODAY, number)] * expected == found(moment)


def test_refusals_of_the_last_minute_of_a_day_are_counted_after_midnight() -> None:
    yesterday = (date.fromisoformat(TODAY) - timedelta(days=1)).isoformat()
    moment = at(FRESH, refusals={"normandie": {yesterday: 900}})
    assert [("c1", "refusals", yesterday, 900)] == found(moment)
    new = {"c1": replace(CONTACT, confirmed_at=NOW)}
    assert [] == events(moment, new, Ledger())


def test_moderations_of_a_quarter_of_an_hour_are_one_fact_with_their_number() -> None:
    begun = NOW - NOW % BUCKET_MS
    entry = JournalEntry(number=1, previous="", id="", at=begun - 1, act="offer.moderate", about="normandie:1")
    entries = [replace(entry, number=n + 1) for n in range(900)]
    entries += [
        replace(entry, number=901, at=begun),  # its quarter is not over
        replace(entry, number=902, about="bretagne:1"),
        replace(entry, number=903, act="offer.lift"),
        replace(entry, number=904, act="offer.lift", failed=903),  # the act that did not happen
    ]
    assert [("c1", "moderated", str(begun // BUCKET_MS - 1), 900)] == found(at(FRESH, entries=entries))


def test_certificates_and_keys_are_announced_thirty_days_before_their_end() -> None:
    certificate = issued()
    end = certificate.certificate.expires_at
    partner = replace(PULLED, certificates=(certificate,), secrets=(Secret(hash="h", created_at=1, ends_at=end),))
    runs = {"normandie": replace(RUN, last_success_at=end - NOTICE_MS)}
    facts = replace(FRESH, partners={"normandie": partner}, runs=runs)
    assert [] == found(at(replace(facts, now=end - NOTICE_MS - 1)))
    assert ["ends", "ends"] == [kind for _, kind, _, _ in found(at(replace(facts, now=end - NOTICE_MS)))]


@pytest.mark.parametrize(("left", "windows"), [(60, ["60"]), (8, ["60"]), (7, ["7"]), (1, ["7"])])
def test_a_rule_with_a_day_is_announced_sixty_days_and_a_week_before(left: int, windows: list[str]) -> None:
    day = date.fromisoformat(TODAY) + timedelta(days=left)
    moment = at(FRESH, dated={"normandie": {day: 12}, "bretagne": {day: 3}})
    assert [("c1", "dated", window, 12) for window in windows] == found(moment)
    assert [] == found(at(FRESH, dated={"normandie": {day: 0}}))


def test_offers_refused_or_gone_at_the_national_site_are_a_fact_of_their_day() -> None:
    part = DeliveryPart(group="lycee", generation=1, account="a", state="refused", since=NOW)
    summary = DeliverySummary(states={"refused": 3, "gone": 1, "delivered": 9}, refused=part)
    assert [("c1", "national-refused", TODAY, 4)] == found(at(replace(FRESH, deliveries={"normandie": summary})))


def test_an_operator_knows_of_disk_calendar_and_account_and_a_platform_does_not() -> None:
    facts = replace(FRESH, accounts={"regions": {"login_refused": True}})
    end = date.fromisoformat(TODAY) + timedelta(days=365)
    moment = at(facts, disk_low=True, calendar_end=end)
    kinds = {(contact, kind) for contact, kind, _, _ in found(moment)}
    assert {("c2", "national-stopped"), ("c2", "bound"), ("c2", "calendar"), ("c2", "systems-late")} == kinds
    later = at(FRESH, calendar_end=end + timedelta(days=1))
    assert [] == found(later)


def test_contacts_that_left_or_whose_platform_was_revoked_get_no_fact() -> None:
    left = {"c1": replace(CONTACT, stopped="left"), "c2": replace(OF_OPERATOR, confirmed_at=None)}
    assert [] == events(at(LATE), left, Ledger())
    revoked = replace(LATE, partners={"normandie": replace(PULLED, revoked=True)})
    assert [] == events(at(revoked), {"c1": CONTACT}, Ledger())
