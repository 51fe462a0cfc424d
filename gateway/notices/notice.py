"""Notices: what is due to a contact, as the topic ``notices`` has it, and how each goes on. Pure.

A notice names its contact by id; it has neither address nor text. Its own id is a digest of contact, kind, object and
window: the same fact is due once, however often it is found. ``due`` → ``sending`` 1 → ``sent`` or ``failed``; one
that is still open after its deadline is sent once more (``sending`` 2), and is ``unknown`` if that stays open too.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Literal, TypeAlias, get_args

import orjson

from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.value import from_members

State: TypeAlias = Literal["due", "sending", "sent", "failed", "unknown"]
STATES: tuple[State, ...] = get_args(State)
Outcome: TypeAlias = Literal["sent", "refused", "later"]
"""The relay's answer: taken, refused for good, or certainly not taken now. No answer is no outcome."""

MAX_COPIES = 2
DEADLINE_MS = 5 * 60_000
"""Longer than any exchange with the relay (``smtp.SECONDS``): a copy that is open then is no longer being sent."""
KEPT_MS = 30 * 24 * 3_600_000
PAUSE_MS = 15 * 60_000
"""Between two attempts that the relay put off."""
GIVEN_UP_MS = 7 * 24 * 3_600_000
_ASKED = b"asked/"
_ID_CHARACTERS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact for one contact. ``about`` is its object (a platform's slug, an offer's id), ``window`` what makes it
    another fact than the last one; ``number`` is how many.
    """

    contact: str
    kind: str
    about: str = ""
    window: str = ""
    number: int = 1

    @property
    def id(self) -> str:
        """The id of the notice of this fact."""
        parts = orjson.dumps([self.contact, self.kind, self.about, self.window])
        return hashlib.sha256(parts).hexdigest()[:_ID_CHARACTERS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice. Times in ms: ``at`` since when it is due, ``until`` the deadline of a copy that is being sent, or the
    end of a pause before it is. ``copy`` counts what may have reached the relay; ``mail`` is the digest of the notices
    that one mail holds, the same for every copy.
    """

    event: Event
    at: int
    state: State = "due"
    copy: int = 0
    mail: str | None = None
    until: int | None = None
    changed_at: int = 0

    @property
    def open(self) -> bool:
        """Whether it still has to be sent, or its outcome to be known."""
        return self.state in ("due", "sending")


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every notice of thirty days by id, and the instants (ms) at which contacts asked for a link."""

    notices: Mapping[str, Notice] = field(default_factory=dict)
    asked: Mapping[tuple[str, int], int] = field(default_factory=dict)

    def sent_since(self, at: int) -> int:
        """The number of copies of mails that may have been sent since an instant."""
        recent = (one for one in self.notices.values() if one.mail is not None and one.changed_at >= at)
        return sum({one.mail: one.copy for one in recent}.values())


@dataclass(frozen=True, slots=True)
class MailFacts:
    """The mails of one contact within thirty days: when the ``last`` one was sent (ms), how many had no answer of the
    relay (``unknown``), how many notices wait.
    """

    last: int | None = None
    unknown: int = 0
    waiting: int = 0

    @classmethod
    def of(cls, ledger: Ledger, contact: str) -> "MailFacts":
        """Those of a contact."""
        own = [one for one in ledger.notices.values() if one.event.contact == contact]
        return cls(
            max((one.changed_at for one in own if one.state == "sent"), default=None),
            len({one.mail for one in own if one.state == "unknown"}),
            sum(one.open for one in own),
        )


def due(event: Event, *, now: int) -> Notice:
    """The notice of a fact."""
    return Notice(event=event, at=now, changed_at=now)


def mail_id(notices: Iterable[Notice]) -> str:
    """The digest of the notices that go in one mail."""
    return hashlib.sha256("".join(sorted(one.event.id for one in notices)).encode()).hexdigest()[:_ID_CHARACTERS]


def sending(notices: Sequence[Notice], *, now: int) -> tuple[Notice, ...]:
    """The notices of one mail once its next copy may be on its way."""
    mail = notices[0].mail or mail_id(notices)
    return tuple(
        replace(one, state="sending", copy=one.copy + 1, mail=mail, until=now + DEADLINE_MS, changed_at=now)
        for one in notices
    )


def settled(notices: Sequence[Notice], outcome: Outcome, *, now: int) -> tuple[Notice, ...]:
    """The notices of a mail after the relay's answer. A copy that was certainly not taken does not count."""
    if outcome != "later":
        state: State = "sent" if outcome == "sent" else "failed"
        return tuple(replace(one, state=state, until=None, changed_at=now) for one in notices)
    return tuple(_put_off(one, now=now) for one in notices)


def _put_off(notice: Notice, *, now: int) -> Notice:
    """A copy that the relay did not take. The mail of an earlier copy of unknown outcome stays the same mail."""
    if now - notice.at > GIVEN_UP_MS:
        return replace(notice, state="unknown" if notice.copy > 1 else "failed", until=None, changed_at=now)
    if notice.copy > 1:
        return replace(notice, copy=notice.copy - 1, until=now + PAUSE_MS, changed_at=now)
    return replace(notice, state="due", copy=0, mail=None, until=now + PAUSE_MS, changed_at=now)


def lost(notices: Sequence[Notice], *, now: int) -> tuple[Notice, ...]:
    """The notices of a mail whose last copy is open after its deadline."""
    return tuple(replace(one, state="unknown", until=None, changed_at=now) for one in notices)


def dropped(notice: Notice, *, now: int) -> Notice:
    """A notice that is not sent any more: its contact left, was erased, or wants none of its kind."""
    return replace(notice, state="failed", until=None, changed_at=now)


def notice_record(notice: Notice) -> Record:
    """A record of ``notices``: key the id, value the notice; members that say nothing are left out."""
    body = {name: value for name, value in asdict(notice).items() if value is not None and name != "event"}
    return Record(notice.event.id.encode(), orjson.dumps({**asdict(notice.event), **body}))


def asked_record(contact: str, *, now: int) -> Record:
    """A record of ``notices``: this contact has asked for a link."""
    return Record(_ASKED + contact.encode(), orjson.dumps({"at": now}))


def read_notice(value: bytes) -> Notice:
    """The inverse of ``notice_record``; raises ValueError on a value that the gateway did not write."""
    try:
        body = orjson.loads(value)
        notice = from_members(Notice, {"event": from_members(Event, body), **body})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a notice with other members: {error}") from error
    if notice.state not in STATES:
        raise ValueError("a notice in a state that is not known")
    return notice


def fold_notices(ledger: Ledger, records: Sequence[StoredRecord]) -> Ledger:
    """The ledger after more records of the topic, without those that are older than it is kept."""
    if not records:
        return ledger
    notices, asked = dict(ledger.notices), dict(ledger.asked)
    for record in records:
        key = record.key or b""
        with suppress(ValueError, TypeError, KeyError):  # an unreadable record is in no state
            if key.startswith(_ASKED):
                contact = key.removeprefix(_ASKED).decode()
                asked[contact, record.offset] = int(orjson.loads(record.value or b"{}")["at"])
            else:
                notice = read_notice(record.value or b"")
                notices[notice.event.id] = notice
    before = records[-1].appended_at - KEPT_MS
    return Ledger(
        {key: one for key, one in notices.items() if one.open or one.changed_at >= before},
        {key: at for key, at in asked.items() if at >= records[-1].appended_at - DEADLINE_MS},
    )
