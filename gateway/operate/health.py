"""The twelve systems of the federation as fresh, late or down, in words that everybody may read (SEC-014). Pure.

An exchange is a pull of a feed, a submission of a platform that publishes by itself, or an answer of the national site.
A system is late after two missed exchanges of its own schedule. It is down after six hours without success, one missed
exchange more than late on a slower schedule, or as soon as only a person can mend what fails.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypeAlias

from gateway.operate.status import UNCOVERED, Facts, Kind, statuses
from gateway.protocol.certificate import certificate_problem
from gateway.protocol.identity import NATIONAL
from gateway.protocol.paris_time import PARIS, paris_midnight
from gateway.protocol.partner import Partner
from gateway.protocol.record import read_utc
from gateway.protocol.source_run import SourceRun, period_ms
from gateway.protocol.topic import COMMON, RECEIPTS

Health: TypeAlias = Literal["fresh", "late", "down", "unconnected"]

HOUR_MS = 3_600_000
FOR_A_PERSON = frozenset(
    {
        "feed-address-private",
        "feed-address-unusable",
        "feed-broke-the-reader",
        "feed-certificate-expired",
        "feed-certificate-misnamed",
        "feed-certificate-untrusted",
        "feed-denied",
        "feed-encoding-unknown",
        "feed-folder-too-full",
        "feed-host-key-wrong",
        "feed-inflates-too-much",
        "feed-length-unknown",
        "feed-publishes-nothing",
        "feed-redirected-too-often",
        "feed-secret-missing",
        "feed-too-large",
        "feed-unsafe-path",
        "feed-without-ids",
        "profile-invalid",
    }
)
"""Failures of a run that no later run mends by itself; all others may pass."""
_WORST: Sequence[Health] = ("fresh", "unconnected", "late", "down")
_SCAN_MINUTES = 60
_RECEIPTS_KEPT_MS = next(topic.retention_ms for topic in COMMON if topic.name == RECEIPTS)
_SATURDAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthTerms:
    """The terms by which a system is late or down. ``publish_ms`` is the time between two exchanges of platforms that
    publish by themselves, whose schedule is unknown: for them weekends do not count. ``require_certificate`` is the
    first day on which publishing needs a certificate.
    """

    late_exchanges: int = 2
    down_ms: int = 6 * HOUR_MS
    publish_ms: int = 24 * HOUR_MS
    require_certificate: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One of the twelve: a regional platform, the national site, or a Region whose offers come through it."""

    platform: str | None
    region: str | None
    name: str
    kind: Kind
    health: Health


def systems(facts: Facts, terms: HealthTerms, *, others: bool = False) -> list[System]:
    """The nine regional platforms, the national site, and the Regions without a platform, each with its health; for an
    operator the ``others``, too, whose health only an operator reads (SEC-014).
    """
    lines = [line for line in statuses(facts, asker="", operator=False) if others or line.kind != "other"]
    national = _national(facts, terms)
    return [
        System(
            platform=line.platform,
            region=line.region,
            name=line.name,
            kind=line.kind,
            health=national
            if line.platform == NATIONAL or line.region in UNCOVERED
            else platform_health(facts, facts.partners.get(line.platform or ""), terms),
        )
        for line in lines
    ]


def platform_health(facts: Facts, partner: Partner | None, terms: HealthTerms) -> Health:
    """The health of one platform, any of the federation."""
    if partner is None or partner.revoked:
        return "unconnected"
    every = period_ms(partner.profile)
    if every is not None:
        return _pulled(facts.runs.get(partner.platform), terms, every=every, now=facts.now)
    if not partner.inbox and "offers:publish" not in partner.scopes:
        return "fresh"  # a reader owes no exchange
    return _publishing(facts, partner, terms)


def _pulled(run: SourceRun | None, terms: HealthTerms, *, every: int, now: int) -> Health:
    if run is None or run.last_success_at is None:
        return "unconnected"
    failed = run.outcome == "failed" and run.last_error is not None and run.last_error.code in FOR_A_PERSON
    if failed or run.outcome == "pending":
        return "down"
    return _by_schedule(now - run.last_success_at, every, terms)


def _publishing(facts: Facts, partner: Partner, terms: HealthTerms) -> Health:
    counts = facts.receipts.get(partner.platform, {})
    successes = [counts[verdict].latest for verdict in ("accepted", "duplicate") if verdict in counts]
    last = max(successes, default=None)
    if last is None or facts.now - last > _RECEIPTS_KEPT_MS:  # a rebuilt view knows no older receipts
        return "down" if facts.live.get(partner.platform) else "unconnected"
    if certificate_problem(partner.certificates, required=terms.require_certificate, now=facts.now) is not None:
        return "down"
    return _by_schedule(_working_ms(last, facts.now), terms.publish_ms, terms)


def _by_schedule(elapsed: int, every: int, terms: HealthTerms) -> Health:
    if elapsed > max(terms.down_ms, (terms.late_exchanges + 1) * every):
        return "down"
    return "late" if elapsed > terms.late_exchanges * every else "fresh"


def _national(facts: Facts, terms: HealthTerms) -> Health:
    """The account that searches for offers made there decides with the best of the others: an account that fails alone
    is its platform's failure.
    """
    if not facts.accounts:
        return platform_health(facts, facts.partners.get(NATIONAL), terms)
    searching = [_search(note, terms, now=facts.now) for note in facts.accounts.values() if "search" in note]
    calling = [_calls(note, terms, now=facts.now) for note in facts.accounts.values()]
    return max([*searching, min(calling, key=_WORST.index)], key=_WORST.index)


def _search(note: Mapping[str, Any], terms: HealthTerms, *, now: int) -> Health:
    search = note["search"]
    if search.get("state") == "waiting-for-right" or search.get("login_refused"):
        return "down"
    if "scanned_at" not in search:
        return "late"  # no scan has succeeded since the connector was started
    every = search.get("every_minutes", _SCAN_MINUTES) * 60_000
    return _by_schedule(now - read_utc(search["scanned_at"]), every, terms)


def _calls(note: Mapping[str, Any], terms: HealthTerms, *, now: int) -> Health:
    """Without due calls the site owes no answer: only failures in a row count."""
    if note.get("login_refused"):
        return "down"
    if not note.get("down"):
        return "fresh"
    answered = note.get("answered_at")
    return "down" if answered is not None and now - read_utc(answered) > terms.down_ms else "late"


def _working_ms(start: int, end: int) -> int:
    """The milliseconds between two instants without Saturdays and Sundays (Europe/Paris)."""
    return sum(last - first for first, last, day in _days(start, end) if day.weekday() < _SATURDAY)


def _days(start: int, end: int) -> Iterator[tuple[int, int, date]]:
    """The parts of an interval by day: from, to, and the day."""
    while start < end:
        day = datetime.fromtimestamp(start / 1_000, PARIS).date()
        until = min(end, paris_midnight(day + timedelta(days=1)))
        yield start, until, day
        start = until
