"""The plan: which notices become due of the facts of this moment, and which mail is to be sent next. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from gateway.clock import CLOCKS_MS
from gateway.notices.notice import GIVEN_UP_MS, MAX_COPIES, Event, Ledger, Notice, State, due
from gateway.protocol.contact import UNCONFIRMED_MS, Choice, Contact, Contacts, Erased
from gateway.protocol.paris_time import PARIS

CONFIRM, SIGN_IN, STAY = "confirm", "sign-in", "stay"
JOIN_CONFIRM, JOIN_APPROVED, JOIN_REFUSED = "join-confirm", "join-approved", "join-refused"
JOINS = frozenset({JOIN_CONFIRM, JOIN_APPROVED, JOIN_REFUSED})
SERVICE = frozenset({CONFIRM, SIGN_IN, STAY}) | JOINS
"""Kinds that a person has asked for, or must answer: each is a mail of its own, and no choice stops it."""
PLATFORM_KINDS: Mapping[str, Choice] = {
    "feed-failed": "now",
    "feed-recovered": "now",
    "refusals": "daily",
    "moderated": "now",
    "lifted": "now",
    "national-refused": "daily",
    "ends": "daily",
    "dated": "daily",
    "push-stopped": "now",
}
OPERATOR_KINDS: Mapping[str, Choice] = {
    "systems-late": "now",
    "systems-back": "now",
    "bound": "now",
    "national-stopped": "now",
    "calendar": "daily",
}
KINDS: Mapping[str, Choice] = {**PLATFORM_KINDS, **OPERATOR_KINDS}
"""The choice for each kind where a person has made none."""

HOUR_MS, DAY_MS = 3_600_000, 24 * 3_600_000
SETTLE_MS = 60_000
"""A fact waits so long for others, so that they go in one mail."""
BETWEEN_MS = HOUR_MS
"""Between two mails to one contact, but for those of ``SERVICE``."""
LINKS_AN_HOUR = 3
ASKED_LINK_MS = 5 * 60_000
"""A link that was asked for earlier is not sent any more: the person has asked again, or left."""
MAX_NOTICES = 200
"""Notices of one mail, and of one transaction."""
DIGEST_HOUR = 8
KEPT_MS = 396 * DAY_MS
"""Thirteen months without a sign-in or a click erase a contact; four weeks before it is asked, a notice that the ledger
still has then.
"""
ASKED_MS = KEPT_MS - 28 * DAY_MS

Step: TypeAlias = Literal["send", "lose", "drop"]


@dataclass(frozen=True, slots=True)
class Next:
    """The next step: a mail to ``send``, a mail whose outcome stays unknown (``lose``), or notices to ``drop``."""

    step: Step
    notices: Sequence[Notice]


def choice_of(contact: Contact, kind: str) -> Choice:
    """The choice of this contact for a kind."""
    return "now" if kind in SERVICE else contact.choices.get(kind, KINDS[kind])


def service_events(contacts: Contacts, ledger: Ledger, *, now: int) -> Iterator[Event]:
    """The facts that follow from contacts alone: consent to ask for, links asked for, and who has not been seen."""
    for contact in contacts.values():
        if isinstance(contact, Erased) or contact.stopped is not None:
            continue
        if contact.confirmed_at is None:
            yield Event(contact=contact.id, kind=CONFIRM, window=str(contact.asked_at))
        elif now - seen_at(contact) > ASKED_MS:
            yield Event(contact=contact.id, kind=STAY, window=str(seen_at(contact)))
    links = Counter(
        one.event.contact for one in ledger.notices.values() if one.event.kind == SIGN_IN and one.at > now - HOUR_MS
    )
    for (contact_id, offset), at in ledger.asked.items():
        known, event = contacts.get(contact_id), Event(contact=contact_id, kind=SIGN_IN, window=str(offset))
        recent = now - at <= ASKED_LINK_MS
        if recent and isinstance(known, Contact) and known.active and event.id not in ledger.notices:
            links[contact_id] += 1
            if links[contact_id] <= LINKS_AN_HOUR:
                yield event


def new_notices(events: Iterable[Event], contacts: Contacts, ledger: Ledger, *, now: int) -> list[Notice]:
    """The notices that these facts make due, each once, for contacts that want them; those that wait with another
    number get the present one.
    """
    found: dict[str, Notice] = {}
    for event in events:
        contact, known = contacts.get(event.contact), ledger.notices.get(event.id)
        if not isinstance(contact, Contact) or not _wants(contact, event.kind):
            continue
        if known is None:
            found[event.id] = due(event, now=now)
        elif known.state == "due" and known.event != event:
            found[event.id] = replace(known, event=event)
    return list(found.values())


def next_step(contacts: Contacts, ledger: Ledger, *, now: int, ceiling: int) -> Next | None:
    """The next step, the most urgent first; None where nothing is to be done now. At ``ceiling`` mails an hour nothing
    is sent; what is due stays so.
    """
    full = ledger.sent_since(now - HOUR_MS) >= ceiling
    for copy in _grouped(ledger, "sending", lambda one: one.mail).values():
        if (copy[0].until or 0) > now:
            continue
        if copy[0].copy >= MAX_COPIES or _reachable(contacts, copy[0]) is None:
            return Next("lose", copy)
        if not full:
            return Next("send", copy)
    last = _last_mails(ledger)
    for contact_id, notices in _grouped(ledger, "due", lambda one: one.event.contact).items():
        over = [one for one in notices if _reachable(contacts, one) is None or now - one.at > GIVEN_UP_MS]
        if over:
            return Next("drop", over[:MAX_NOTICES])
        contact = contacts[contact_id]
        ready = [] if full or not isinstance(contact, Contact) else _ready(contact, notices, last.get(contact_id), now)
        if ready:
            return Next("send", ready[:MAX_NOTICES])
    return None


def _grouped(ledger: Ledger, state: State, by: Callable[[Notice], str | None]) -> Mapping[str, list[Notice]]:
    """The notices in a state. Kinds of a later version are left to it."""
    groups: dict[str, list[Notice]] = {}
    for notice in ledger.notices.values():
        if notice.state == state and (notice.event.kind in SERVICE or notice.event.kind in KINDS):
            groups.setdefault(by(notice) or "", []).append(notice)
    return groups


def _ready(contact: Contact, notices: Sequence[Notice], last: int | None, now: int) -> Sequence[Notice]:
    """The notices of one contact that are to go in one mail now."""
    free = [one for one in notices if (one.until or 0) <= now]
    for one in free:
        if one.event.kind in SERVICE:
            return [one]
    if last is not None and now - last < BETWEEN_MS:
        return []
    if any(now - one.at >= DAY_MS for one in free):
        return free  # what could not be sent for a day goes together
    chosen = {one.event.id: choice_of(contact, one.event.kind) for one in free}
    at_once = [one for one in free if chosen[one.event.id] == "now"]
    daily = [one for one in free if chosen[one.event.id] == "daily" and next_digest(one.at) <= now]
    settled = any(now - one.at >= SETTLE_MS for one in at_once)
    return [*(at_once if settled else ()), *daily]


def next_digest(at: int) -> int:
    """The first digest after an instant: at eight in the morning (Europe/Paris)."""
    moment = datetime.fromtimestamp(at / 1_000, UTC).astimezone(PARIS)
    digest = moment.replace(hour=DIGEST_HOUR, minute=0, second=0, microsecond=0)
    if digest <= moment:
        digest = (digest.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=PARIS)
    return int(digest.timestamp() * 1_000)


def expired(contacts: Contacts, ledger: Ledger, begun: Mapping[str, float], *, now: int) -> list[str]:
    """The contacts to erase: never confirmed, of a membership that has ended, or not seen for thirteen months; a day
    after, what is left of erased ones. ``begun``: since when the membership of each platform lasts (ms), infinite for a
    revoked one; that of a platform that is not known (yet) has not ended.
    """
    found = []
    for contact in contacts.values():
        if isinstance(contact, Erased):
            over = now - contact.asked_at >= DAY_MS
        elif contact.asked_at < begun.get(contact.platform, 0) - CLOCKS_MS:
            over = True
        elif contact.confirmed_at is None:
            over = now - contact.asked_at >= UNCONFIRMED_MS
        else:
            stay = Event(contact=contact.id, kind=STAY, window=str(seen_at(contact)))
            asked = ledger.notices.get(stay.id)
            settled = contact.stopped is not None or (asked is not None and not asked.open)
            over = settled and now - seen_at(contact) >= KEPT_MS
        if over:
            found.append(contact.id)
    return found


def seen_at(contact: Contact) -> int:
    """The last sign-in or click of a contact, or the beginning."""
    return contact.seen_at or contact.confirmed_at or contact.asked_at


def _last_mails(ledger: Ledger) -> Mapping[str, int]:
    last: dict[str, int] = {}
    for one in ledger.notices.values():
        if one.mail is not None and one.event.kind not in SERVICE:
            last[one.event.contact] = max(last.get(one.event.contact, 0), one.changed_at)
    return last


def _reachable(contacts: Contacts, notice: Notice) -> Contact | None:
    """The contact of a notice; None where it is to get none of this kind any more."""
    contact = contacts.get(notice.event.contact)
    return contact if isinstance(contact, Contact) and _wants(contact, notice.event.kind) else None


def _wants(contact: Contact, kind: str) -> bool:
    if kind in (CONFIRM, JOIN_CONFIRM):
        return contact.stopped is None and contact.confirmed_at is None
    return contact.active and choice_of(contact, kind) != "never"
