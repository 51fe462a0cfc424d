"""Sessions of persons on the pages: the link that begins one, the cookie that carries it, and when it ends. Pure.

Link and cookie are sealed: the person's name travels in them and is never stored. A partner's record has the ids of
each session and its link: a link whose id is there has served, and a session that is not there, or that was ended, is
refused by every process that reads the record.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import orjson

from gateway.partners.credential import Entropy
from gateway.protocol.partner import Partner, Session
from gateway.protocol.seal import Seal, sealed_members

LINK_MS = 15 * 60_000
IDLE_MS = 30 * 60_000
LIFE_MS = 8 * 3_600_000
SKEW_MS = 5 * 60_000
"""Between the clocks of the machines of a federation."""
MAX_SESSIONS = 50
MAX_NAME_CHARACTERS = 80
"""Characters of a person's name."""
_MAX_SEALED = 2_000
_ID_BYTES = 12
_VERSION = 1


class SignInError(Exception):
    """A link or a session that cannot be used. ``code`` names its sentence in ``refusals.json`` of the pages."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Link:
    """The content of a link: whose person may begin a session until when, under which generation of credentials."""

    platform: str
    person: str
    generation: str
    id: str
    until: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """The content of the cookie. ``seen_at``: the last request of the session."""

    platform: str
    person: str
    generation: str
    id: str
    begun_at: int
    seen_at: int

    @property
    def idle_at(self) -> int:
        """The instant at which the session ends without another request."""
        return min(self.seen_at + IDLE_MS, self.ends_at)

    @property
    def ends_at(self) -> int:
        """The instant at which the session ends in any case."""
        return self.begun_at + LIFE_MS


def person_of(name: str) -> str | None:
    """The name of a person as a link has it; None for one that is empty, too long or not printable."""
    written = " ".join(name.split())
    return written if 0 < len(written) <= MAX_NAME_CHARACTERS and written.isprintable() else None


def new_link(partner: Partner, person: str, *, now: int, entropy: Entropy) -> Link:
    """A link for a person of a partner."""
    return Link(partner.platform, person, _generation(partner), entropy(_ID_BYTES).hex(), now + LINK_MS)


def close_link(link: Link, seal: Seal) -> str:
    """The sealed text of a link."""
    return seal.close(orjson.dumps([_VERSION, link.platform, link.person, link.generation, link.id, link.until]))


def open_link(text: str, seal: Seal) -> Link:
    """The link of a sealed text. Raises SignInError."""
    payload = seal.open(text) if len(text) <= _MAX_SEALED else None
    members = None if payload is None else sealed_members(payload, int, str, str, str, str, int)
    if members is None or members[0] != _VERSION:
        raise SignInError("link-unknown")
    return Link(*members[1:])


def link_refusal(link: Link, partner: Partner | None, *, now: int) -> str | None:
    """The reason why a link cannot begin a session; None if it can."""
    if partner is None or partner.revoked or link.generation != _generation(partner):
        return "link-revoked"
    if any(session.link == link.id for session in partner.sessions):
        return "link-used"
    return None if now < link.until <= now + LINK_MS + SKEW_MS else "link-expired"


def new_session(link: Link, *, now: int, entropy: Entropy) -> Ticket:
    """The ticket of a session that a link is to begin. Its id is random: two processes that begin one in the same
    millisecond write different records.
    """
    return Ticket(link.platform, link.person, link.generation, entropy(_ID_BYTES).hex(), now, now)


def begin(partner: Partner, link: Link, ticket: Ticket) -> Partner:
    """The partner with the session of a ticket, begun by a link. Raises SignInError."""
    now = ticket.begun_at
    session = Session(id=ticket.id, link=link.id, begun_at=now, ends_at=ticket.ends_at)
    if session in partner.sessions:  # of an earlier attempt of unknown outcome
        return partner
    refusal = link_refusal(link, partner, now=now)
    if refusal is not None:
        raise SignInError(refusal)
    kept = list(_kept(partner, now=now))
    if len(kept) >= MAX_SESSIONS:  # the oldest makes room, once its link has expired
        if not _link_expired(kept[-1], now=now):
            raise SignInError("sessions-full")
        kept.pop()
    return replace(partner, sessions=(session, *kept))


def end(partner: Partner, *, now: int, session: str | None = None) -> Partner:
    """The partner after one of its sessions was ended, or all of them."""
    ended = (replace(one, ended=True) if session in (None, one.id) else one for one in partner.sessions)
    return replace(partner, sessions=tuple(_kept(replace(partner, sessions=tuple(ended)), now=now)))


def open_sessions(partner: Partner, *, now: int) -> tuple[Session, ...]:
    """The sessions that have not ended, idle ones included."""
    return tuple(session for session in partner.sessions if not session.ended and now < session.ends_at)


def close_ticket(ticket: Ticket, seal: Seal) -> str:
    """The value of the cookie."""
    members = [ticket.platform, ticket.person, ticket.generation, ticket.id, ticket.begun_at, ticket.seen_at]
    return seal.close(orjson.dumps([_VERSION, *members]))


def open_ticket(text: str, seal: Seal) -> Ticket | None:
    """The ticket of a cookie's value; None for any that the gateway did not write."""
    payload = seal.open(text) if len(text) <= _MAX_SEALED else None
    members = None if payload is None else sealed_members(payload, int, str, str, str, str, int, int)
    return None if members is None or members[0] != _VERSION else Ticket(*members[1:])


def ticket_refusal(ticket: Ticket, partner: Partner | None, *, now: int) -> str | None:
    """The reason why a session is refused; None where it holds. ``session-revoked`` and ``session-ended`` are said of a
    record that may be older than the ticket.
    """
    if not ticket.begun_at - SKEW_MS <= now < ticket.ends_at:
        return "session-over"
    if not ticket.seen_at - SKEW_MS <= now < ticket.seen_at + IDLE_MS:
        return "session-idle"
    if partner is None or partner.revoked or ticket.generation != _generation(partner):
        return "session-revoked"
    known = next((session for session in partner.sessions if session.id == ticket.id), None)
    return "session-ended" if known is None or known.ended else None


def of_generation(ticket: Ticket, partner: Partner) -> Ticket:
    """The ticket after its own person has begun a new generation of the partner's credentials."""
    return replace(ticket, generation=_generation(partner))


def _generation(partner: Partner) -> str:
    return "" if partner.generation is None else partner.generation.id


def _kept(partner: Partner, *, now: int) -> Iterator[Session]:
    """The sessions that may still be used, or whose link may."""
    for session in partner.sessions:
        if not _link_expired(session, now=now) or not (session.ended or now >= session.ends_at):
            yield session


def _link_expired(session: Session, *, now: int) -> bool:
    """A link ends fifteen minutes after it was made, and it was made before its session began."""
    return now >= session.begun_at + LINK_MS + SKEW_MS
