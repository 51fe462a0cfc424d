"""Requests to join: a feed that a stranger has mapped on the pages, until the operator has answered. Pure.

A request is a record of ``joining`` under a random id; every other topic knows the id alone. It is erased with the
answer, or once it is too old; ``Answered`` stays, so that a limit counts it and a second click finds the answer.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import orjson

from gateway.protocol.contact import Contact, clean_address
from gateway.protocol.record import Record, StoredRecord, fold_by_key
from gateway.protocol.source_run import Counts
from gateway.protocol.value import from_members
from schemas.rulebook import LANGUAGES, Language

PARTITION = 0
"""The partition of ``joining`` that holds everything."""
WORDING = 2
"""The version of the text by which a person confirms a request, and agrees to notices once it is approved."""
DAY_MS = 24 * 3_600_000
UNCONFIRMED_MS = 7 * DAY_MS
KEPT_MS = 30 * DAY_MS
A_DAY_EACH, A_DAY = 5, 50
"""Requests a day of one network, and of all."""
MAX_BYTES = 20 * 1024
"""Of a whole record."""
CLAIM_MS = 60_000
"""An answer that was begun and not ended for so long may be taken up again."""
MINUTES = 60
"""From one run of the feed to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The counts of a dry run: ``at`` (ms), and by rule the number of its errors. ``failure``: the code of a feed that
    could not be read. ``departments`` and ``hosts``: those of its accepted offers and their links, in order.
    """

    at: int
    counts: Counts = field(default_factory=Counts)
    rules: Mapping[str, int] = field(default_factory=dict)
    failure: str | None = None
    departments: Sequence[str] = ()
    hosts: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """A dry run: the counts that are kept, and what is shown once: groups of problems with examples, and offers as they
    would be published. ``failure``: why the feed could not be read, in each language.
    """

    trial: Trial
    problems: Sequence[Mapping[str, Any]] = ()
    offers: Sequence[Mapping[str, Any]] = ()
    failure: Mapping[Language, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    """A request as it was sent. ``name``, ``feed`` and the mapping are as given; ``network`` is a digest of the network
    that sent it, and the day. ``claim`` (a random text) is of the answer that is being given since ``claimed_at``,
    ``platform`` the one that it is to be; ``refused``: the reason.
    """

    id: str
    name: str
    feed: str
    format: str
    mapping: Mapping[str, Any] = field(repr=False)
    address: str = field(repr=False)
    language: Language
    asked_at: int
    network: str
    confirmed_at: int | None = None
    trial: Trial | None = None
    platform: str | None = None
    claim: str | None = None
    claimed_at: int | None = None
    refused: str | None = None

    @property
    def open(self) -> bool:
        """Whether the operator sees it: its address was confirmed, and it was not refused."""
        return self.confirmed_at is not None and self.refused is None

    @property
    def hosts(self) -> tuple[str, str]:
        """The domain of the address and the host of the feed: they need not be of one owner."""
        return self.address.rpartition("@")[2], urlsplit(self.feed).hostname or ""

    def profile(self, platform: str, name: str) -> dict[str, Any]:
        """The profile of a platform of this slug and name with the feed."""
        transport = {"kind": "https", "url": self.feed, "every_minutes": MINUTES}
        document = {"platform": platform, "name": name, "transport": transport, "format": self.format}
        return {**document, "mapping": dict(self.mapping)}

    def as_contact(self) -> Contact:
        """The person as mails address it."""
        return Contact(
            id=self.id,
            platform="",
            address=self.address,
            name="",
            language=self.language,
            asked_at=self.asked_at,
            confirmed_at=self.confirmed_at,
            wording=WORDING,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The rest of a request: ``platform`` is the one that it became, None if it was refused or erased."""

    id: str
    asked_at: int
    network: str
    platform: str | None = None


Rehearse: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[DryRun]]
"""Fetches and judges the feed of a profile's document as a run would, and publishes nothing."""
Kept: TypeAlias = JoinRequest | Answered
JoinRequests: TypeAlias = Mapping[str, Kept]
"""Requests by id."""
Step: TypeAlias = Literal["asked", "open", "answering", "refused", "approved", "erased"]


def step_of(kept: Kept) -> Step:
    """The step at which a request is."""
    if isinstance(kept, Answered):
        return "erased" if kept.platform is None else "approved"
    if kept.refused is not None:
        return "refused"
    if kept.confirmed_at is None:
        return "asked"
    return "open" if kept.claim is None else "answering"


def network_digest(network: str, day: str, secret: bytes) -> str:
    """A network as a record has it, for one day: two days cannot be compared."""
    text = f"{day} {network}".encode()
    return hashlib.blake2b(text, key=secret[:64], digest_size=16, person=b"join").hexdigest()


def over_limit(kept: JoinRequests, network: str, *, now: int) -> bool:
    """Whether a network, or all together, have sent as many requests in a day as they may."""
    recent = [one for one in kept.values() if now - one.asked_at < DAY_MS]
    return len(recent) >= A_DAY or sum(one.network == network for one in recent) >= A_DAY_EACH


def answered(kept: Kept, platform: str | None = None) -> Answered:
    """The rest of a request."""
    return Answered(id=kept.id, asked_at=kept.asked_at, network=kept.network, platform=platform)


_FOUND = ("departments", "hosts")
"""Members of a dry run that are left out where they are empty."""


def request_record(kept: Kept) -> Record:
    """A record of ``joining``; members that say nothing are left out."""
    body = {name: value for name, value in asdict(kept).items() if value is not None and name != "id"}
    if "trial" in body:
        body["trial"] = {name: value for name, value in body["trial"].items() if value or name not in _FOUND}
    return Record(kept.id.encode(), orjson.dumps(body))


def read_request(key: bytes, value: bytes) -> Kept:
    """The inverse of ``request_record``; raises ValueError on a value that the gateway did not write."""
    try:
        body: dict[str, Any] = {**orjson.loads(value), "id": key.decode()}
        if "feed" not in body:
            return from_members(Answered, body)
        trial = body.get("trial")
        if trial is not None:
            trial = from_members(Trial, {**trial, "counts": from_members(Counts, trial["counts"])})
        request = from_members(JoinRequest, {**body, "trial": trial})
        right = clean_address(request.address) == request.address and request.language in LANGUAGES
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a request with other members: {error}") from error
    if not right:
        raise ValueError("a request with other values")
    return request


def fold_requests(requests: JoinRequests, records: Sequence[StoredRecord]) -> JoinRequests:
    """The requests after more records of the topic."""
    return fold_by_key(requests, records, read_request)
