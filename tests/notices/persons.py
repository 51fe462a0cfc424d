"""Contacts of the gateway that Chromium looks at, and the sealed texts that their mails would have."""

from urllib.parse import urlencode

from gateway import clock
from gateway.log.memory import MemoryLog
from gateway.log.port import EventLog
from gateway.notices.contacts import ContactBook
from gateway.notices.requests import RequestBook
from gateway.protocol.contact import PARTITION, Contact, contact_record
from gateway.protocol.join_request import JoinRequest, request_record
from gateway.protocol.topic import CONTACTS, JOINING
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


def _request(name: str, *, confirmed: bool = False) -> JoinRequest:
    return JoinRequest(
        id=name,
        name=f"Plateforme {name}",
        feed="https://10.0.0.1/offres.xml",
        format="xml",
        mapping={"items": "offre", "id": {"path": "ref"}, "fields": {"title": {"path": "titre"}}},
        address=f"{name}@example.org",
        language="fr",
        asked_at=ASKED_AT,
        network=name,
        confirmed_at=ASKED_AT if confirmed else None,
    )


ASKING, OPEN = _request("demande"), _request("confirmee", confirmed=True)
CONFIRMING: dict[Language, JoinRequest] = {one: _request(f"confirmer-{one}") for one in LANGUAGES}
APPROVING, REFUSING = (
    {one: _request(f"{name}-{one}", confirmed=True) for one in LANGUAGES} for name in ("accepter", "refuser")
)


async def add_contacts(log: EventLog) -> None:
    """All of them, and the requests."""
    found = [CONFIRMED, WAITING, *AGREEING.values(), *LEAVING.values()]
    await log.append(CONTACTS, PARTITION, [contact_record(one) for one in found])
    requests = [ASKING, OPEN, *CONFIRMING.values(), *APPROVING.values(), *REFUSING.values()]
    await log.append(JOINING, PARTITION, [request_record(one) for one in requests])


def token_of(request: JoinRequest, secret: str) -> str:
    """The query of the address that the mail of a request names."""
    book = RequestBook(MemoryLog(), secret=secret.encode())
    return "?" + urlencode({"c": book.token(request.as_contact())})


def query_of(contact: Contact, secret: str, *, confirm: bool = False) -> str:
    """The query of the address that its mails name."""
    book = ContactBook(MemoryLog(), secret=secret.encode())
    return "?" + urlencode({"c": book.confirm_token(contact) if confirm else book.token(contact)})
