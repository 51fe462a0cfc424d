"""Events: the facts of this moment that are due to contacts, from what the federation knows already. Pure.

A fact that lasts has the window in which it began, or the day; its end is found from the notice of its beginning.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median

from gateway.notices.notice import Event, Ledger
from gateway.operate.health import HealthTerms, platform_health, systems
from gateway.operate.status import Facts
from gateway.protocol.certificate import NOTICE_MS
from gateway.protocol.contact import Contact, Contacts
from gateway.protocol.identity import platform_of
from gateway.protocol.journal import JournalEntry
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner
from gateway.protocol.source_run import period_ms

DATED_DAYS = (60, 7)
"""Days before the day from which a rule refuses live offers: each is a notice of its own."""
MIN_REFUSALS, USUAL_DAYS = 10, 14
BUCKET_MS = 15 * 60_000
"""Moderations of a quarter of an hour are one fact, with their number, once it is over."""
_ACTS: Mapping[str, str] = {"offer.moderate": "moderated", "offer.lift": "lifted"}
MODERATIONS = frozenset(_ACTS)
_YEAR = timedelta(days=365)
_BAD = ("late", "down")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The facts at this moment. ``refusals`` by platform and day (Europe/Paris), ``entries`` of moderation; ``dated``:
    live offers by platform and the day from which a rule refuses them, within ``DATED_DAYS``; ``stopped``: the disabled
    subscriptions to pushes by platform; ``disk_low``: the disk of the log is near its bound; ``calendar_end``: of the
    last school calendar on file.
    """

    facts: Facts
    terms: HealthTerms
    refusals: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    entries: Sequence[JournalEntry] = ()
    dated: Mapping[str, Mapping[date, int]] = field(default_factory=dict)
    stopped: Mapping[str, Sequence[str]] = field(default_factory=dict)
    disk_low: bool = False
    calendar_end: date | None = None


def events(moment: Moment, contacts: Contacts, ledger: Ledger) -> list[Event]:
    """The facts for every contact that gets notices."""
    found: list[Event] = []
    for contact in contacts.values():
        partner = moment.facts.partners.get(contact.platform)
        if isinstance(contact, Contact) and contact.active and partner is not None and not partner.revoked:
            found += _of_platform(moment, contact, partner)
            if "operate" in partner.scopes:
                found += _of_operator(moment, contact)
    return [*found, *_over(moment, contacts, ledger)]


def _of_platform(moment: Moment, contact: Contact, partner: Partner) -> Iterator[Event]:
    facts, now, slug = moment.facts, moment.facts.now, partner.platform
    if _pulled(moment, partner) in _BAD:
        run = facts.runs[slug]
        yield Event(contact=contact.id, kind="feed-failed", about=slug, window=str(run.last_success_at))
    yield from _refusals(moment, contact, slug)
    yield from _moderations(moment, contact, slug)
    summary = facts.deliveries.get(slug)
    if summary is not None and summary.refused is not None and summary.refused.since > (contact.confirmed_at or 0):
        number = sum(summary.states.get(state, 0) for state in ("refused", "gone"))
        window = paris_date(summary.refused.since)
        yield Event(contact=contact.id, kind="national-refused", about=slug, window=window, number=number)
    ends = [(one.certificate.id, one.certificate.expires_at) for one in partner.certificates]
    ends += [("key", one.ends_at) for one in partner.secrets if one.ends_at is not None]
    for name, end in ends:
        if now < end <= now + NOTICE_MS:
            yield Event(contact=contact.id, kind="ends", about=slug, window=f"{name} {end}")
    for one in moment.stopped.get(slug, ()):
        yield Event(contact=contact.id, kind="push-stopped", about=slug, window=one)
    for day, number in moment.dated.get(slug, {}).items():
        left = (day - date.fromisoformat(paris_date(now))).days
        stage = min(one for one in DATED_DAYS if left <= one)
        if number:
            yield Event(contact=contact.id, kind="dated", about=day.isoformat(), window=str(stage), number=number)


def _refusals(moment: Moment, contact: Contact, slug: str) -> Iterator[Event]:
    """Those of today, and of yesterday: its last ones are counted after midnight."""
    days, today = moment.refusals.get(slug, {}), paris_date(moment.facts.now)
    for day in (next(_days_before(today)), today):
        number, usual = days.get(day, 0), median(days.get(one, 0) for one in _days_before(day))
        known = paris_date(contact.confirmed_at or 0) <= day
        if known and number >= MIN_REFUSALS and number > usual:
            yield Event(contact=contact.id, kind="refusals", about=slug, window=day, number=number)


def _moderations(moment: Moment, contact: Contact, slug: str) -> Iterator[Event]:
    numbers: dict[tuple[str, int], int] = {}
    failed = {one.failed for one in moment.entries if one.failed is not None}
    for entry in moment.entries:
        own = platform_of(entry.about) == slug and entry.at > (contact.confirmed_at or 0)
        if own and entry.failed is None and entry.number not in failed:
            key = _ACTS[entry.act], entry.at // BUCKET_MS
            numbers[key] = numbers.get(key, 0) + 1
    for (kind, bucket), number in numbers.items():
        if (bucket + 1) * BUCKET_MS <= moment.facts.now:
            yield Event(contact=contact.id, kind=kind, about=slug, window=str(bucket), number=number)


def _of_operator(moment: Moment, contact: Contact) -> Iterator[Event]:
    facts, today = moment.facts, paris_date(moment.facts.now)
    for system in systems(facts, moment.terms, others=True):
        if system.health in _BAD:
            about = system.platform or system.region or ""
            yield Event(contact=contact.id, kind="systems-late", about=about, window=today)
    for account, note in facts.accounts.items():
        if note.get("login_refused"):
            yield Event(contact=contact.id, kind="national-stopped", about=account, window=today)
    if moment.disk_low:
        yield Event(contact=contact.id, kind="bound", window=today)
    end = moment.calendar_end
    if end is not None and end - date.fromisoformat(today) <= _YEAR:
        yield Event(contact=contact.id, kind="calendar", window=end.isoformat())


def _over(moment: Moment, contacts: Contacts, ledger: Ledger) -> Iterator[Event]:
    """Ends of failures, for contacts that a notice of the failure was due to."""
    every = systems(moment.facts, moment.terms, others=True)
    health = {one.platform or one.region or "": one.health for one in every}
    for notice in ledger.notices.values():
        event, contact = notice.event, contacts.get(notice.event.contact)
        if not isinstance(contact, Contact) or notice.state == "failed":
            continue
        if event.kind == "feed-failed":
            partner, run = moment.facts.partners.get(event.about), moment.facts.runs.get(event.about)
            right = partner is not None and run is not None and _pulled(moment, partner) == "fresh"
            if right and run is not None and str(run.last_success_at) != event.window:
                yield Event(contact=contact.id, kind="feed-recovered", about=event.about, window=event.window)
        elif event.kind == "systems-late" and health.get(event.about) == "fresh":
            yield Event(contact=contact.id, kind="systems-back", about=event.about, window=event.window)


def _pulled(moment: Moment, partner: Partner) -> str:
    """The health of a pulled feed that is not paused, by its own schedule; empty for any other platform."""
    slug, facts = partner.platform, moment.facts
    run, pause = facts.runs.get(slug), facts.pauses.get(slug)
    if period_ms(partner.profile) is None or run is None or (pause is not None and pause.paused):
        return ""
    return platform_health(facts, partner, moment.terms)


def _days_before(today: str) -> Iterator[str]:
    day = date.fromisoformat(today)
    return ((day - timedelta(days=back)).isoformat() for back in range(1, USUAL_DAYS + 1))
