"""The journal: the acts of operators as entries of a hash chain, and the names of persons apart from it. Pure.

Each entry holds the SHA-256 of the one before it: an entry that is altered, removed or inserted breaks the chain. A
person is a pseudonym there, the SHA-256 of a random salt and the name. Salt and name are a record of ``operators``,
under the pseudonym as key: its tombstone erases the name and leaves the chain whole.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson

from gateway.protocol.record import Record, StoredRecord, read_utc, utc
from gateway.protocol.topic import JOURNAL
from schemas.closed_list import closed_list
from schemas.personal import redact, redact_tree

ActName: TypeAlias = str
ACTS: tuple[ActName, ...] = closed_list("act")

PARTITION = 0
"""The partition of ``journal`` and of ``operators`` that holds everything: a chain has one order."""
LAST = JOURNAL
"""The name on ``positions`` of the number of the last entry: an entry missing at the end is noticed."""
FIRST = f"{JOURNAL}.first"
"""The name on ``positions`` of the number of the first entry of a chain that was imported; 1 where there is none."""
GENESIS = "0" * 64
MAX_CHARACTERS = 1_000
"""Longest reason."""
MAX_NAME_CHARACTERS = 100
SALT_BYTES = 16
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The author of an act: a person by name, an API client by its slug, or a person through a client."""

    name: str | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An act: ``about`` is its object (an offer's id, a platform, an account), ``why`` the given reason."""

    act: ActName
    about: str
    details: Mapping[str, Any] = field(default_factory=dict)
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One entry. ``at`` in ms, ``person`` a pseudonym, ``previous`` the digest of the entry before it.

    ``failed`` is the number of the earlier entry whose act certainly did not happen. ``id`` distinguishes two writes of
    the same act.
    """

    number: int
    previous: str
    id: str
    at: int
    act: str
    about: str
    person: str | None = None
    client: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    why: str | None = None
    failed: int | None = None


@dataclass(frozen=True, slots=True)
class PersonName:
    """A person's name and its salt (hexadecimal)."""

    name: str
    salt: str

    @property
    def pseudonym(self) -> str:
        """The name as the chain holds it."""
        return hashlib.sha256(bytes.fromhex(self.salt) + self.name.encode()).hexdigest()


def clean_name(text: str) -> str:
    """A person's name in one form of spelling. Raises ValueError for one that is empty, too long or not printable."""
    name = _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()
    if not name or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
        raise ValueError(f"a name has 1 to {MAX_NAME_CHARACTERS} printable characters")
    return name


def plain_reason(text: str) -> str:
    """A reason in one form of spelling, with line feeds: a form of a browser has CR LF (HTML, 4.10.22.4)."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def clean_reason(text: str) -> str | None:
    """A reason without e-mail addresses and phone numbers; None if it is empty. Raises ValueError for one that is too
    long or has control characters.
    """
    reason = plain_reason(text)
    if len(reason) > MAX_CHARACTERS or _CONTROL.search(reason):
        raise ValueError(f"a reason has at most {MAX_CHARACTERS} characters, none of them a control character")
    return redact(reason) or None


def clean_act(act: Act) -> Act:
    """An act without contact data in its reason and its details. Raises ValueError as ``clean_reason`` does."""
    details, _ = redact_tree(dict(act.details), "")
    why = None if act.why is None else clean_reason(act.why)
    return Act(act=act.act, about=act.about, details=details, why=why)


def entry_record(entry: JournalEntry) -> Record:
    """A record of ``journal``: key the number, value the entry; members that say nothing are left out."""
    body: dict[str, Any] = {
        "number": entry.number,
        "previous": entry.previous,
        "id": entry.id,
        "at": utc(entry.at),
        "act": entry.act,
        "about": entry.about,
    }
    for name in ("person", "client", "details", "why", "failed"):
        member = getattr(entry, name)
        if member is not None and member != {}:
            body[name] = member
    return Record(str(entry.number).encode(), orjson.dumps(body))


def read_entry(value: bytes) -> JournalEntry:
    """The inverse of ``entry_record``. Members that a later version has added are ignored; raises ValueError on a value
    that the gateway did not write.
    """
    try:
        body = orjson.loads(value)
        return JournalEntry(
            number=int(body["number"]),
            previous=str(body["previous"]),
            id=str(body["id"]),
            at=read_utc(body["at"]),
            act=str(body["act"]),
            about=str(body["about"]),
            person=body.get("person"),
            client=body.get("client"),
            details=body.get("details", {}),
            why=body.get("why"),
            failed=body.get("failed"),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"an entry with other members: {error}") from error


def digest_of(value: bytes) -> str:
    """The digest by which the next entry names this one: of the very bytes on the log."""
    return hashlib.sha256(value).hexdigest()


class ChainFinding(str):
    """A break of a chain, as a sentence. ``code`` names it for pages, which have words of their own; ``number`` is
    the entry, ``other`` the one beside it.
    """

    __slots__ = ("code", "number", "other")
    code: str
    number: int
    other: int

    def __new__(cls, sentence: str, code: str, number: int = 0, other: int = 0) -> "ChainFinding":
        """A finding."""
        found = super().__new__(cls, sentence)
        found.code, found.number, found.other = code, number, other
        return found

    def located(self, where: str) -> "ChainFinding":
        """The same finding, with its place before the sentence."""
        return ChainFinding(f"{where}: {self}", self.code, self.number, self.other)


class Chain:
    """Reads the entries of a chain in order and says where it is broken."""

    def __init__(self) -> None:
        self.first: int | None = None
        """The number of the first entry that was read; None before that."""
        self.number = 0
        self.digest = GENESIS

    def take(self, value: bytes | None) -> tuple[JournalEntry | None, ChainFinding | None]:
        """The next entry and its finding: no entry where it is unreadable, no finding where it is right."""
        try:
            entry = read_entry(value or b"")
        except ValueError:
            self.digest, self.number = digest_of(value or b""), self.number + 1
            before = self.number - 1
            return None, ChainFinding(
                f"the entry after number {before} is unreadable", "unreadable", self.number, before
            )
        wrong = self._wrong(entry)
        self.first = entry.number if self.first is None else self.first
        self.number, self.digest = entry.number, digest_of(value or b"")
        return entry, wrong

    def _wrong(self, entry: JournalEntry) -> ChainFinding | None:
        number, before = entry.number, self.number
        if self.first is None:
            if number == 1 and entry.previous != GENESIS:
                return ChainFinding("entry 1 names an entry before it", "beginning", 1)
        elif number != before + 1:
            return ChainFinding(f"entry {number} follows entry {before}", "gap", number, before)
        elif entry.previous != self.digest:
            message = f"entry {number} does not name entry {before} as it is: one of them was altered"
            return ChainFinding(message, "altered", number, before)
        return None


def name_record(name: PersonName) -> Record:
    """A record of ``operators``: key the pseudonym, value name and salt."""
    return Record(name.pseudonym.encode(), orjson.dumps({"name": name.name, "salt": name.salt}))


def erased_record(pseudonym: str) -> Record:
    """The tombstone that erases a name."""
    return Record(pseudonym.encode(), None)


def read_name(value: bytes) -> PersonName:
    """The inverse of ``name_record``; raises ValueError on a value that the gateway did not write."""
    try:
        body = orjson.loads(value)
        return PersonName(str(body["name"]), bytes.fromhex(body["salt"]).hex())
    except (KeyError, TypeError) as error:
        raise ValueError(f"a name with other members: {error}") from error


Names: TypeAlias = Mapping[str, PersonName]
"""The names that were not erased, by pseudonym."""


def fold_names(names: Names, records: Sequence[StoredRecord]) -> Names:
    """The names after more records of ``operators``."""
    if not records:
        return names
    kept = dict(names)
    for record in records:
        pseudonym = (record.key or b"").decode(errors="replace")
        kept.pop(pseudonym, None)
        if record.value is not None:
            with suppress(ValueError):  # no person has an unreadable name; the audit reports it
                kept[pseudonym] = read_name(record.value)
    return kept


def pseudonyms_of(names: Names, name: str) -> frozenset[str]:
    """The pseudonyms of a name: none where it is not known, or was erased."""
    return frozenset(pseudonym for pseudonym, one in names.items() if one.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFilter:
    """Selects entries; a field that is None or empty selects all. Times in ms; ``since`` is included, ``until`` not."""

    acts: frozenset[str] = frozenset()
    about: str | None = None
    persons: frozenset[str] | None = None
    client: str | None = None
    since: int | None = None
    until: int | None = None

    def selects(self, entry: JournalEntry) -> bool:
        """Whether this entry is selected."""
        return (
            (not self.acts or entry.act in self.acts)
            and (self.about is None or entry.about == self.about)
            and (self.persons is None or entry.person in self.persons)
            and (self.client is None or entry.client == self.client)
            and (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
        )


def entry_document(entry: JournalEntry, names: Names) -> dict[str, Any]:
    """An entry as it is shown. ``name`` is absent where no person is named, and null once the name is erased."""
    document: dict[str, Any] = {"number": entry.number, "at": utc(entry.at), "act": entry.act, "about": entry.about}
    if entry.person is not None:
        known = names.get(entry.person)
        document["person"], document["name"] = entry.person, None if known is None else known.name
    for name in ("client", "details", "why", "failed"):
        member = getattr(entry, name)
        if member is not None and member != {}:
            document[name] = member
    return document
