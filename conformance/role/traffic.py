"""Requests of a publisher to the kit's gateway with their answers, and the orders that it was given. Pure."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import orjson

import schemas
from conformance.role.host import ReceivedRequest
from conformance.script.batch import UnreadableBatchError, inflate, split_batch

MARKS, SNAPSHOTS, BATCH = "/v1/snapshots/marks", "/v1/snapshots", "/v1/offers/batch"
OFFERS = "/v1/offers/"
MAX_BYTES = 64 * 1024 * 1024
_MAX_ITEMS = _MAX_REQUESTS = 100_000
_DIGITS = 16
"""Of the highest revision."""
_TRUE = frozenset({"true", "1"})
_CONTACT = ("personal-data", "contact-in-id")


@dataclass(frozen=True, slots=True)
class TrafficItem:
    """One offer or withdrawal of a request. ``contacts`` are the codes of the contact details in it."""

    id: str
    revision: int
    kind: Literal["publish", "withdraw"]
    digest: str = ""
    contacts: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Request:
    """One request. ``count`` is that of a set's last line, ``gone`` the number of live offers that the set lacks;
    ``named`` the number of withdrawals that the answer asks to confirm, ``refused`` the ids of refused items.
    Times are in seconds on a monotonic clock; ``status`` is 0 without an answer.
    """

    at: float
    method: str
    path: str
    query: Mapping[str, str]
    key: str | None
    digest: str
    size: int
    items: tuple[TrafficItem, ...] = ()
    count: int | None = None
    gone: int = 0
    answered_at: float | None = None
    status: int = 0
    code: str = ""
    mark: str = ""
    named: int | None = None
    refused: frozenset[str] = frozenset()

    @property
    def is_set(self) -> bool:
        """Whether it is a snapshot."""
        return self.method == "POST" and self.path == SNAPSHOTS

    @property
    def dry(self) -> bool:
        """Whether it is a dry run."""
        return self.query.get("dry_run") in _TRUE

    @property
    def partial(self) -> bool:
        """Whether sound items are kept where others are refused."""
        return self.query.get("partial") in _TRUE

    @property
    def submits(self) -> bool:
        """Whether it hands in offers or withdrawals."""
        single = self.method in {"PUT", "DELETE"} and self.path.startswith(OFFERS)
        return not self.dry and (single or (self.method == "POST" and self.path in {BATCH, SNAPSHOTS}))

    def take_answer(self, status: int, body: Mapping[str, Any], *, at: float) -> None:
        """Record the answer."""
        self.status, self.answered_at = status, at
        self.code = str(body.get("code", ""))
        self.mark = str(body.get("mark", self.mark))
        self.named = body.get("would_withdraw")
        results = body.get("results", ())
        self.refused = frozenset(str(each.get("id")) for each in results if each.get("status") == "refused")
        if status == _REFUSED and not results:
            self.refused = frozenset(item.id for item in self.items)


_REFUSED = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutedOrder:
    """An order that the platform executed. ``revision`` is the highest of the offer that had come before it."""

    began: float
    ended: float
    action: str
    id: str
    revision: int


@dataclass(slots=True)
class Traffic:
    """All requests and executed orders of a run, in order; of more than a hundred thousand requests the first ones."""

    requests: list[Request] = field(default_factory=list)
    done: list[ExecutedOrder] = field(default_factory=list)

    def note(self, request: Request) -> Request:
        """Record a request."""
        if len(self.requests) < _MAX_REQUESTS:
            self.requests.append(request)
        return request

    def since(self, at: float) -> Iterator[Request]:
        """The requests that came at this time or later."""
        return (request for request in self.requests if request.at >= at)

    def highest(self, offer_id: str) -> int:
        """The highest revision of an offer that came so far, 0 without any."""
        return max((item.revision for _, item in self.sends(offer_id)), default=0)

    def sends(self, offer_id: str, since: float = 0.0) -> Iterator[tuple[Request, TrafficItem]]:
        """The submissions of an offer."""
        for request in self.since(since):
            if request.submits:
                yield from ((request, item) for item in request.items if item.id == offer_id)

    @property
    def has_sets(self) -> bool:
        """Whether a snapshot came."""
        return any(request.is_set for request in self.requests)

    @property
    def has_submissions(self) -> bool:
        """Whether anything was handed in."""
        return any(request.submits for request in self.requests)


class RequestReader:
    """Reads requests. Equal items are one object: a set that is sent again and again costs little."""

    def __init__(self) -> None:
        self._items: dict[bytes, TrafficItem] = {}

    def read(self, received: ReceivedRequest, *, at: float, day: date) -> Request:
        """The request with its items, on this day; what cannot be read has none."""
        method, path, query, body = received.method, received.url.path, dict(received.url.query), received.body
        request = Request(
            at=at,
            method=method,
            path=path,
            query=query,
            key=received.headers.get("Idempotency-Key"),
            digest=hashlib.sha256(body).hexdigest(),
            size=len(body),
            mark=query.get("mark", ""),
        )
        if method == "DELETE" and path.startswith(OFFERS):
            revision = query.get("revision", "")
            number = int(revision) if revision.isdecimal() and len(revision) <= _DIGITS else 0
            request.items = (TrafficItem(path.removeprefix(OFFERS), number, "withdraw"),)
        elif method == "PUT" or path in {BATCH, SNAPSHOTS}:
            documents = _documents(body, received.headers.get("Content-Encoding", ""), whole=method == "PUT")
            if request.is_set and documents:
                last = _value(documents[-1])
                if set(last) == {"count"}:
                    request.count = last["count"]
                    documents = documents[:-1]
            request.items = tuple(self._item(raw, day) for raw in documents)
        return request

    def _item(self, raw: bytes, day: date) -> TrafficItem:
        digest = hashlib.sha256(raw).digest()
        if digest not in self._items:
            if len(self._items) >= _MAX_ITEMS:
                self._items.clear()
            self._items[digest] = _read_item(raw, day)
        return self._items[digest]


def _documents(body: bytes, encoding: str, *, whole: bool) -> Sequence[bytes]:
    try:
        content = inflate(body, most=MAX_BYTES) if encoding.lower() in {"gzip", "x-gzip"} else body
        return [content] if whole else list(split_batch(content))
    except UnreadableBatchError:
        return ()


def _value(document: bytes) -> Mapping[str, Any]:
    try:
        value = orjson.loads(document)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _read_item(raw: bytes, day: date) -> TrafficItem:
    value = _value(raw)
    revision = value.get("revision")
    content = {name: each for name, each in value.items() if name != "revision"}
    problems = schemas.check_submission(raw, on=day).problems
    return TrafficItem(
        id=str(value.get("id", "?")),
        revision=revision if isinstance(revision, int) else 0,
        kind="withdraw" if "withdrawn" in value else "publish",
        digest=hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest(),
        contacts=tuple(problem.code for problem in problems if problem.code in _CONTACT),
    )
