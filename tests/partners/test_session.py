"""Links and sessions of persons, without a log: when they hold and when they end ([SEC-015])."""

from dataclasses import replace
from itertools import count

import pytest

from gateway.partners.credential import revoke
from gateway.partners.record import changed_record, partner_document, read_partner
from gateway.partners.session import (
    IDLE_MS,
    LIFE_MS,
    LINK_MS,
    MAX_NAME_CHARACTERS,
    MAX_SESSIONS,
    SKEW_MS,
    Link,
    SignInError,
    Ticket,
    begin,
    close_link,
    close_ticket,
    end,
    link_refusal,
    new_link,
    new_session,
    open_link,
    open_sessions,
    open_ticket,
    person_of,
    ticket_refusal,
)
from gateway.protocol.partner import Generation, Partner
from gateway.protocol.seal import Seal

NOW = 1_796_000_000_000
PARTNER = Partner(platform="bretagne", name="Bretagne", scopes=frozenset({"offers:read"}))
LINKS, TICKETS = (Seal(b"a secret of thirty-two bytes or so", purpose=name) for name in ("sign-in link", "session"))
_NUMBERS = count()


def entropy(size: int) -> bytes:
    return next(_NUMBERS).to_bytes(size)


def link(partner: Partner = PARTNER, *, now: int = NOW) -> Link:
    return new_link(partner, "Personne d’essai", now=now, entropy=entropy)


def begun(partner: Partner = PARTNER, made: Link | None = None, *, now: int = NOW) -> tuple[Partner, Ticket]:
    made = made or link(now=now)
    ticket = new_session(made, now=now, entropy=entropy)
    return begin(partner, made, ticket), ticket


def test_a_link_says_who_it_is_for_and_only_a_gateway_can_have_written_it() -> None:
    made = link()
    text = close_link(made, LINKS)
    assert made == open_link(text, LINKS)
    for forged in (text[:-1], "A" + text, text.swapcase(), "", "é", "x" * 100_000, close_link(made, TICKETS)):
        with pytest.raises(SignInError, match="link-unknown"):
            open_link(forged, LINKS)


@pytest.mark.parametrize(
    ("later", "refusal"),
    [(0, None), (LINK_MS - 1, None), (LINK_MS, "link-expired"), (-SKEW_MS, None), (-SKEW_MS - 1, "link-expired")],
)
def test_a_link_ends_after_fifteen_minutes(later: int, refusal: str | None) -> None:
    """A clock that was set back does not lengthen it by more than the clocks of machines differ."""
    assert refusal == link_refusal(link(), PARTNER, now=NOW + later)


def test_a_link_serves_once_and_never_again() -> None:
    """Neither while its session is open, nor after it has ended."""
    made = link()
    partner, ticket = begun(PARTNER, made, now=NOW)
    for after in (partner, end(partner, now=NOW + 1, session=ticket.id), end(partner, now=NOW + LINK_MS - 1)):
        with pytest.raises(SignInError, match="link-used"):
            begun(after, made, now=NOW + LINK_MS - 1)


def test_a_link_ends_with_the_credentials_of_its_time() -> None:
    made = link()
    newer = replace(PARTNER, generation=Generation(id="a", since=NOW))
    assert ["link-revoked"] * 3 == [link_refusal(made, one, now=NOW) for one in (None, revoke(PARTNER), newer)]


@pytest.mark.parametrize(
    ("seen", "later", "refusal"),
    [
        (0, IDLE_MS - 1, None),
        (0, IDLE_MS, "session-idle"),
        (LIFE_MS - IDLE_MS, LIFE_MS - 1, None),
        (LIFE_MS - 1, LIFE_MS, "session-over"),
        (0, -SKEW_MS - 1, "session-over"),
        (SKEW_MS + 2, 1, "session-idle"),
    ],
)
def test_a_session_ends_idle_and_after_its_longest_life(seen: int, later: int, refusal: str | None) -> None:
    partner, ticket = begun()
    assert refusal == ticket_refusal(replace(ticket, seen_at=NOW + seen), partner, now=NOW + later)


def test_a_session_ends_with_its_partner_its_credentials_and_its_end() -> None:
    partner, ticket = begun()
    newer = replace(partner, generation=Generation(id="a", since=NOW))
    assert ticket_refusal(ticket, partner, now=NOW) is None
    assert ["session-revoked"] * 3 == [ticket_refusal(ticket, one, now=NOW) for one in (None, revoke(partner), newer)]
    others = (PARTNER, end(partner, now=NOW), end(partner, now=NOW, session=ticket.id))
    assert ["session-ended"] * 3 == [ticket_refusal(ticket, one, now=NOW) for one in others]
    assert ticket_refusal(ticket, end(partner, now=NOW, session="another"), now=NOW) is None


def test_the_end_of_one_session_is_not_that_of_another() -> None:
    partner, first = begun()
    partner, second = begun(partner, link(), now=NOW + 1)
    partner = end(partner, now=NOW + 2, session=first.id)
    assert ("session-ended", None) == tuple(ticket_refusal(one, partner, now=NOW + 2) for one in (first, second))
    assert [second.id] == [one.id for one in open_sessions(partner, now=NOW + 2)]


def test_the_record_drops_what_can_serve_no_more() -> None:
    """An ended session stays until its link has expired; an open one until its last end."""
    partner, ticket = begun()
    ended = end(partner, now=NOW, session=ticket.id)
    safe = LINK_MS + SKEW_MS
    assert 1 == len(end(ended, now=NOW + safe - 1).sessions)
    assert () == end(ended, now=NOW + safe).sessions
    later, _ = begun(partner, link(now=NOW + LIFE_MS), now=NOW + LIFE_MS)
    assert 1 == len(later.sessions)


def test_a_partner_has_a_bounded_number_of_sessions() -> None:
    """The oldest makes room when its link cannot serve any more, and never before."""
    partner = PARTNER
    for _ in range(MAX_SESSIONS):
        partner, _ticket = begun(partner, link(), now=NOW)
    with pytest.raises(SignInError, match="sessions-full"):
        begun(partner, link(), now=NOW + 1)
    later = NOW + LINK_MS + SKEW_MS
    partner, _ticket = begun(partner, link(now=later), now=later)
    assert MAX_SESSIONS == len(partner.sessions)


def test_a_cookie_is_its_ticket_and_nothing_else_is_one() -> None:
    partner, ticket = begun()
    text = close_ticket(ticket, TICKETS)
    assert ticket == open_ticket(text, TICKETS)
    assert text.isascii()
    others = (text[1:], text + "=", close_ticket(ticket, LINKS), close_link(link(), TICKETS)[:-1], "", "é", "x" * 9_000)
    assert [None] * len(others) == [open_ticket(one, TICKETS) for one in others]
    assert ticket_refusal(ticket, partner, now=NOW) is None


def test_no_record_has_the_name_of_a_person() -> None:
    partner, ticket = begun()
    record = changed_record(None, end(partner, now=NOW, session=ticket.id))
    assert record.value is not None
    assert b"Personne" not in record.value
    assert read_partner(record.value) == end(partner, now=NOW, session=ticket.id)
    assert "sessions" not in partner_document(PARTNER)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("  Personne   d’essai ", "Personne d’essai"),
        ("x" * MAX_NAME_CHARACTERS, "x" * MAX_NAME_CHARACTERS),
        ("x" * (MAX_NAME_CHARACTERS + 1), None),
        (" ", None),
        ("a\u202eb", None),
        ("a\x00b", None),
    ],
)
def test_a_name_is_a_short_printable_line(name: str, written: str | None) -> None:
    assert written == person_of(name)
