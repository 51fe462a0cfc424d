"""Sign-in by link: a link begins one session, in one process of the federation; every process knows the session.

The beginning and the end of a session are changes of the partner's record, fenced as all of them: of two processes that
get the same link at once, the second reads the record that the first has written (ADR 0023).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.clock import Clock
from gateway.partners.partners import Partners
from gateway.partners.session import (
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
    of_generation,
    open_link,
    open_ticket,
    ticket_refusal,
)
from gateway.protocol.journal import Actor
from gateway.protocol.partner import Partner
from gateway.protocol.seal import Seal

_NONCE_BYTES = 9
_LAGGING = ("link-revoked", "session-revoked", "session-ended")
"""Refusals by a record that may lag behind: what another process wrote a moment ago is read before one of them."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A session that holds: its ticket, and the partner's record of this moment."""

    ticket: Ticket
    partner: Partner

    @property
    def actor(self) -> Actor:
        """The person and the platform, as the journal names who acts."""
        return Actor(name=self.ticket.person, client=self.partner.platform)


class SignIns:
    """Makes links, and begins, checks and ends sessions, for one process."""

    def __init__(self, partners: Partners, secret: bytes, *, clock: Clock) -> None:
        self._partners = partners
        self._links = Seal(secret, purpose="sign-in link")
        self._tickets = Seal(secret, purpose="session")
        self._forms = Seal(secret, purpose="form")
        self._clock = clock

    def link(self, partner: Partner, person: str) -> tuple[str, int]:
        """The sealed text of a link for a person, and until when it can be used. Nothing is stored."""
        link = new_link(partner, person, now=self._clock(), entropy=os.urandom)
        return close_link(link, self._links), link.until

    async def look(self, text: str) -> tuple[Link, Partner]:
        """The link of a text and its partner; the link stays usable. Raises SignInError."""
        link = open_link(text, self._links)
        return link, await self._admitted(link.platform, lambda one: link_refusal(link, one, now=self._clock()))

    async def begin(self, text: str) -> Signed:
        """Begin the session of a link; of all processes, one succeeds. A link that is known to be useless is refused
        before the role of all changes of partners is taken. Raises SignInError, LogError.
        """
        link, _ = await self.look(text)
        ticket = new_session(link, now=self._clock(), entropy=os.urandom)

        def edit(present: Partner | None) -> Partner:
            if present is None:
                raise SignInError("link-revoked")
            return begin(present, link, ticket)

        return Signed(ticket, await self._partners.change(link.platform, edit))

    async def check(self, cookie: str) -> Signed:
        """The session of a cookie, seen now. Raises SignInError, LogError."""
        ticket = open_ticket(cookie, self._tickets)
        if ticket is None:
            raise SignInError("session-missing")
        now = self._clock()
        partner = await self._admitted(ticket.platform, lambda one: ticket_refusal(ticket, one, now=now))
        return Signed(replace(ticket, seen_at=max(now, ticket.seen_at)), partner)

    async def _admitted(self, platform: str, refusal_of: Callable[[Partner | None], str | None]) -> Partner:
        """The record of a platform that is not refused: a record may lag behind, and is then read again. Raises
        SignInError.
        """
        partner = self._partners.get(platform)
        refusal = refusal_of(partner)
        if refusal in _LAGGING:
            await self._partners.catch_up()
            partner = self._partners.get(platform)
            refusal = refusal_of(partner)
        if refusal is not None or partner is None:
            raise SignInError(refusal or "session-revoked")
        return partner

    async def end(self, signed: Signed) -> None:
        """End a session for every process. Raises SignInError, LogError."""

        def edit(present: Partner | None) -> Partner:
            if present is None:
                raise SignInError("session-revoked")
            return end(present, now=self._clock(), session=signed.ticket.id)

        await self._partners.change(signed.ticket.platform, edit)

    def cookie(self, signed: Signed) -> str:
        """The value of the session's cookie."""
        return close_ticket(signed.ticket, self._tickets)

    def after_change(self, signed: Signed, partner: Partner) -> Signed:
        """The session after its own person has changed the partner's credentials."""
        return Signed(of_generation(signed.ticket, partner), partner)

    def form_token(self, signed: Signed) -> str:
        """The token of one form of this session; another at each call, so that compression reveals none."""
        return self._forms.close(os.urandom(_NONCE_BYTES) + signed.ticket.id.encode())

    def is_form_token(self, signed: Signed, text: str) -> bool:
        """Whether a text is a token of this session."""
        payload = self._forms.open(text)
        return payload is not None and payload[_NONCE_BYTES:] == signed.ticket.id.encode()
