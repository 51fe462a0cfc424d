"""Contacts of the gateway that Chromium looks at, and the sealed texts that their mails would have."""

from urllib.parse import urlencode

from gateway import clock
from gateway.log.memory import MemoryLog
from gateway.log.port import EventLog
from gateway.notices.contacts import ContactBook
from gateway.protocol.contact import PARTITION, Contact, contact_record
from gateway.protocol.topic import CONTACTS
from schemas.rulebook import LANGUAGES, Language

PLATFORM = "bretagne"
ASKED_AT = clock.now()


def _contact(name: str, *, confirmed: bool = True) -> Contact:
    return Contact(
        id=name,
        platform=PLATFORM,
        address=f"{name}@bretagne.example",
        name=f"Contact {name}",
        language="fr",
        asked_at=ASKED_AT,
        confirmed_at=ASKED_AT if confirmed else None,
    )


CONFIRMED, WAITING = _contact("stages"), _contact("accueil", confirmed=False)
AGREEING: dict[Language, Contact] = {one: _contact(f"accord-{one}", confirmed=False) for one in LANGUAGES}
LEAVING: dict[Language, Contact] = {one: _contact(f"depart-{one}") for one in LANGUAGES}


async def add_contacts(log: EventLog) -> None:
    """All of them."""
    found = [CONFIRMED, WAITING, *AGREEING.values(), *LEAVING.values()]
    await log.append(CONTACTS, PARTITION, [contact_record(one) for one in found])


def query_of(contact: Contact, secret: str, *, confirm: bool = False) -> str:
    """The query of the address that its mails name."""
    book = ContactBook(MemoryLog(), secret=secret.encode())
    return "?" + urlencode({"c": book.confirm_token(contact) if confirm else book.token(contact)})
