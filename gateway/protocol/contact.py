"""Contacts: addresses of persons to whom notices are sent, and what each of them has chosen. Pure.

A contact is a record of ``contacts`` under a random id; every other topic knows the id alone. Its tombstone erases it.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from typing import Any, Literal, TypeAlias, get_args

import orjson

from gateway.protocol.journal import clean_name
from gateway.protocol.record import Record, StoredRecord, fold_by_key
from gateway.protocol.value import from_members
from schemas.rulebook import LANGUAGES, Language

Choice: TypeAlias = Literal["now", "daily", "never"]
"""The time at which notices of a kind are sent: at once, in the digest of a day, or never."""
CHOICES: tuple[Choice, ...] = get_args(Choice)
Stop: TypeAlias = Literal["left", "refused"]
"""The reason for which nothing is sent any more: the person has left, or the address was refused for good."""

PARTITION = 0
"""The partition of ``contacts`` and of ``notices`` that holds everything."""
WORDING = 1
"""The version of the text by which a person agrees."""
UNCONFIRMED_MS = 7 * 24 * 3_600_000
_MAX_ADDRESS = 254
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One person's address. Times in ms: ``asked_at`` of the mail that asks for consent, ``confirmed_at`` of the
    consent to the text of version ``wording``, ``seen_at`` of the last sign-in or click. ``choices`` by kind of notice.
    """

    id: str
    platform: str
    address: str = field(repr=False)
    name: str = field(repr=False)
    language: Language
    asked_at: int
    wording: int = WORDING
    choices: Mapping[str, Choice] = field(default_factory=dict)
    confirmed_at: int | None = None
    seen_at: int | None = None
    stopped: Stop | None = None

    @property
    def active(self) -> bool:
        """Whether notices may be sent: the person has agreed and not left."""
        return self.confirmed_at is not None and self.stopped is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """The rest of a contact for a day after it was erased, so that erasing gives no second mail of that day:
    ``digest`` is the address's under the gateway's secret.
    """

    id: str
    platform: str
    digest: str
    asked_at: int


Kept: TypeAlias = Contact | Erased
Contacts: TypeAlias = Mapping[str, Kept]
"""Contacts by id."""


def clean_address(text: str) -> str:
    """An address in one form of spelling: ASCII, its domain in lower case and IDNA. Raises ValueError."""
    local, at, domain = text.strip().rpartition("@")
    with suppress(UnicodeError):
        domain = domain.encode("idna").decode().lower()
    labels = domain.split(".")
    right = at and _LOCAL.fullmatch(local) and len(labels) > 1 and all(_LABEL.fullmatch(one) for one in labels)
    if not right or len(local) > 64 or len(local) + 1 + len(domain) > _MAX_ADDRESS or not _is_header(local, domain):
        raise ValueError("an address is of the form name@example.org, its first part in ASCII")
    return f"{local}@{domain}"


def _is_header(local: str, domain: str) -> bool:
    """Whether a mail can have the address in its head: an encoded word (RFC 2047) cannot stand there."""
    try:
        return str(Address(addr_spec=f"{local}@{domain}")) == f"{local}@{domain}"
    except (ValueError, IndexError, MessageError):
        return False


def address_digest(address: str, secret: bytes) -> str:
    """An address as ``Erased`` has it. Letters' case makes no second mailbox."""
    return hashlib.blake2b(address.lower().encode(), key=secret[:64], digest_size=16, person=b"contact").hexdigest()


def contact_record(kept: Kept) -> Record:
    """A record of ``contacts``; members that say nothing are left out."""
    body = {name: value for name, value in asdict(kept).items() if value is not None and name != "id"}
    return Record(kept.id.encode(), orjson.dumps(body))


def gone_record(contact_id: str) -> Record:
    """The tombstone that erases a contact."""
    return Record(contact_id.encode(), None)


def read_contact(key: bytes, value: bytes) -> Kept:
    """The inverse of ``contact_record``; raises ValueError on a value that the gateway did not write."""
    try:
        body: dict[str, Any] = {**orjson.loads(value), "id": key.decode()}
        if "digest" in body:
            return from_members(Erased, body)
        chosen = {kind: one for kind, one in body.get("choices", {}).items() if one in CHOICES}
        contact = from_members(Contact, {**body, "choices": chosen})  # without choices of a later version
        right = clean_address(contact.address) == contact.address and clean_name(contact.name) == contact.name
        known = contact.language in LANGUAGES
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a contact with other members: {error}") from error
    if not right or not known:
        raise ValueError("a contact with other values")
    return contact


def fold_contacts(contacts: Contacts, records: Sequence[StoredRecord]) -> Contacts:
    """The contacts after more records of the topic."""
    return fold_by_key(contacts, records, read_contact)
