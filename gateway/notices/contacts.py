"""Contacts of the federation: a view of the topic, and changes written to it under a fence; what a change may do."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import orjson

from gateway.clock import Clock, now
from gateway.errors import FencedError, LogBusyError
from gateway.log.fenced import change_fenced
from gateway.log.mirror import TopicMirror
from gateway.log.port import EventLog, Output, Owner
from gateway.notices.notice import Ledger, asked_record, fold_notices
from gateway.notices.plan import DAY_MS, HOUR_MS, KINDS, LINKS_AN_HOUR
from gateway.notices.requests import RequestBook, persons_of
from gateway.operate.desk import RefusedActError
from gateway.protocol.contact import (
    CHOICES,
    PARTITION,
    WORDING,
    Choice,
    Contact,
    Contacts,
    Erased,
    Kept,
    Stop,
    address_digest,
    clean_address,
    contact_record,
    fold_contacts,
    gone_record,
)
from gateway.protocol.journal import clean_name
from gateway.protocol.seal import Seal, sealed_members
from gateway.protocol.topic import CONTACTS, NOTICES
from schemas.rulebook import Language

ROLE = "contacts"
ASKED_A_DAY = 20
"""Mails that ask for consent, a day for a platform."""
_RETRY_SECONDS = 30.0
_ID_BYTES = 12
_MAX_TOKEN = 500

Edit: TypeAlias = Callable[[Contacts], Sequence[Kept | str]]
"""The contacts to write, of those that there are, and the ids of those to erase. Raises RefusedActError."""


class ContactBook(TopicMirror[Contacts]):
    """Every contact, in ``notices`` every notice, and in ``requests`` who asks to join, in memory, read when they are
    needed. ``secret`` seals what mails let a person do.
    """

    def __init__(self, log: EventLog, *, secret: bytes, clock: Clock = now) -> None:
        super().__init__(log, CONTACTS, fold=fold_contacts, empty={}, partitions=(PARTITION,))
        self.notices = TopicMirror(log, NOTICES, fold=fold_notices, empty=Ledger(), partitions=(PARTITION,))
        self.requests = RequestBook(log, secret=secret, clock=clock)
        self._secret = secret
        self._clock = clock
        self._asked: dict[str, list[int]] = {}
        self._confirm = Seal(secret, purpose="contact confirm")
        self._notices = Seal(secret, purpose="contact notices")

    async def close(self) -> None:
        """Close every reader."""
        await super().close()
        await self.notices.close()
        await self.requests.close()

    @property
    def people(self) -> Contacts:
        """Everybody to whom a mail may be due: contacts, and those who ask to join."""
        return {**persons_of(self.requests.state), **self.state}

    async def change(self, edit: Edit) -> None:
        """Change contacts; no other change comes between reading and writing. Raises RefusedActError, LogError."""

        async def attempt(owner: Owner) -> None:
            await self.advance({PARTITION: await owner.end(CONTACTS, PARTITION)})
            records = [gone_record(one) if isinstance(one, str) else contact_record(one) for one in edit(self.state)]
            if records:
                ends = await owner.commit([Output(CONTACTS, PARTITION, record) for record in records])
                await self.advance({PARTITION: ends[CONTACTS, PARTITION]})

        try:
            await change_fenced(self._log, ROLE, PARTITION, attempt, seconds=_RETRY_SECONDS)
        except FencedError as error:
            raise LogBusyError("Other contacts were changed at the same time; nothing was changed.") from error

    def get(self, contact_id: str, platform: str | None = None) -> Contact:
        """A contact, of this platform if one is named. Raises RefusedActError."""
        return found(self.state, contact_id, platform)

    def of(self, platform: str) -> list[Contact]:
        """The contacts of a platform, by name."""
        own = [one for one in self.state.values() if isinstance(one, Contact) and one.platform == platform]
        return sorted(own, key=lambda one: (one.name, one.id))

    async def ask_link(self, text: str) -> bool:
        """Note that the owner of an address asks for a link: three an hour are written for a contact by each process,
        none for an address that no contact has.
        """
        try:
            address = clean_address(text).lower()
        except ValueError:
            return False
        await self.catch_up()
        at, records = self._clock(), []
        for one in self.state.values():
            if isinstance(one, Contact) and one.active and one.address.lower() == address:
                recent = [before for before in self._asked.get(one.id, ()) if before > at - HOUR_MS]
                if len(recent) < LINKS_AN_HOUR:
                    self._asked[one.id] = [*recent, at]
                    records.append(asked_record(one.id, now=at))
        if records:
            await self._log.append(NOTICES, PARTITION, records)
        return bool(records)

    async def note_seen(self, platform: str, name: str) -> None:
        """Note the sign-in of a person: its contact is kept for longer."""

        def edit(contacts: Contacts) -> Sequence[Kept]:
            at = self._clock()
            own = [one for one in contacts.values() if isinstance(one, Contact) and one.platform == platform]
            return [replace(one, seen_at=at) for one in own if one.name == name and at - (one.seen_at or 0) > DAY_MS]

        await self.catch_up()
        if edit(self.state):
            await self.change(edit)

    def confirm_token(self, contact: Contact) -> str:
        """The text by which the owner of the address agrees, for this asking alone."""
        return self._confirm.close(orjson.dumps([contact.id, contact.asked_at]))

    def token(self, contact: Contact) -> str:
        """The text by which the owner of the address changes what comes to it; it opens nothing else."""
        return self._notices.close(orjson.dumps([contact.id]))

    def confirming(self, text: str) -> Contact | None:
        """The contact of a token that confirms; None for any other text."""
        members = _members(self._confirm, text, str, int)
        contact = None if members is None else self.state.get(members[0])
        return contact if isinstance(contact, Contact) and members and contact.asked_at == members[1] else None

    def owned(self, text: str) -> Contact | None:
        """The contact of a token of notices; None for any other text."""
        members = _members(self._notices, text, str)
        contact = None if members is None else self.state.get(members[0])
        return contact if isinstance(contact, Contact) else None

    def adding(self, platform: str, *, address: str, name: str, language: Language) -> tuple[str, Edit]:
        """The id and the change that adds a contact, which gets a mail that asks for its consent. Raises
        RefusedActError.
        """
        contact_id = os.urandom(_ID_BYTES).hex()
        try:
            right, person = clean_address(address), clean_name(name)
        except ValueError as error:
            raise RefusedActError("invalid", f"{str(error)[0].upper()}{str(error)[1:]}.") from error
        contact = Contact(
            id=contact_id, platform=platform, address=right, name=person, language=language, asked_at=self._clock()
        )

        def edit(contacts: Contacts) -> Sequence[Kept]:
            if contact_id in contacts:
                return []  # an attempt of unknown outcome
            same = [one for one in contacts.values() if self._digest(one) == self._digest(contact)]
            if any(isinstance(one, Contact) and one.platform == platform for one in same):
                raise RefusedActError("present", "This address is a contact of the platform already.")
            recent = [one for one in contacts.values() if contact.asked_at - one.asked_at < DAY_MS]
            if any(one in recent for one in same):
                raise RefusedActError("contact-limit", "This address was asked today; it can be asked again tomorrow.")
            if sum(one.platform == platform for one in recent) >= ASKED_A_DAY:
                raise RefusedActError("contact-limit", f"{platform} has asked {ASKED_A_DAY} addresses today.")
            return [contact]

        return contact_id, edit

    def agreeing(self, contact_id: str) -> Edit:
        """The change by which a person agrees, or shows that it is still there."""

        def edit(contacts: Contacts) -> Sequence[Kept]:
            one, at = found(contacts, contact_id), self._clock()
            return [replace(one, confirmed_at=one.confirmed_at or at, seen_at=at, wording=WORDING, stopped=None)]

        return edit

    def choosing(self, contact_id: str, choices: Mapping[str, Choice], platform: str | None = None) -> Edit:
        """The change of what comes, and when. Raises RefusedActError."""
        if not choices.keys() <= KINDS.keys() or not all(one in CHOICES for one in choices.values()):
            raise RefusedActError("invalid", f"Kinds are {', '.join(KINDS)}; each is {', '.join(CHOICES)}.")

        def edit(contacts: Contacts) -> Sequence[Kept]:
            one = found(contacts, contact_id, platform)
            return [replace(one, choices={**one.choices, **choices})]

        return edit

    def stopping(self, contact_id: str, why: Stop, platform: str | None = None) -> Edit:
        """The change after which nothing is sent to a contact."""
        return lambda contacts: [replace(found(contacts, contact_id, platform), stopped=why)]

    def erasing(self, contact_id: str, platform: str | None = None) -> Edit:
        """The change that erases a contact; for a day a digest of its address stays."""

        def edit(contacts: Contacts) -> Sequence[Kept | str]:
            one = found(contacts, contact_id, platform)
            if self._clock() - one.asked_at >= DAY_MS:
                return [contact_id]
            return [Erased(id=one.id, platform=one.platform, digest=self._digest(one), asked_at=one.asked_at)]

        return edit

    def _digest(self, kept: Kept) -> str:
        return address_digest(kept.address, self._secret) if isinstance(kept, Contact) else kept.digest


def found(contacts: Contacts, contact_id: str, platform: str | None = None) -> Contact:
    """A contact, of this platform if one is named. Raises RefusedActError."""
    one = contacts.get(contact_id)
    if not isinstance(one, Contact) or platform not in (None, one.platform):
        raise RefusedActError("unknown", "There is no such contact.")
    return one


def _members(seal: Seal, text: str, *kinds: type) -> list[Any] | None:
    payload = seal.open(text) if len(text) <= _MAX_TOKEN else None
    return None if payload is None else sealed_members(payload, *kinds)
