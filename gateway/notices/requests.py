"""Requests to join: a view of the topic, changes written to it under a fence, what becomes due of them, and ends."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson

from gateway.clock import Clock, now
from gateway.errors import FencedError, LogBusyError
from gateway.log.fenced import change_fenced
from gateway.log.mirror import TopicMirror
from gateway.log.port import EventLog, Output, Owner
from gateway.notices.notice import Event, Ledger
from gateway.notices.plan import DAY_MS, JOIN_APPROVED, JOIN_CONFIRM, JOIN_REFUSED
from gateway.operate.desk import RefusedActError
from gateway.protocol.contact import Contact, clean_address
from gateway.protocol.join_request import (
    KEPT_MS,
    MAX_BYTES,
    PARTITION,
    UNCONFIRMED_MS,
    Answered,
    JoinRequest,
    JoinRequests,
    Kept,
    answered,
    fold_requests,
    network_digest,
    over_limit,
    request_record,
)
from gateway.protocol.record import Record
from gateway.protocol.seal import Seal, sealed_members
from gateway.protocol.topic import JOINING
from schemas.rulebook import Language

ROLE = "joining"
MAILS_A_DAY = 3
"""Mails that ask one address to confirm requests of 24 hours, of all senders together; a further request gets none."""
_RETRY_SECONDS = 30.0
_ID_BYTES = 12
_MAX_TOKEN = 500

Edit: TypeAlias = Callable[[JoinRequests], Sequence[Kept | str]]
"""The requests to write, of those that there are, and the ids of those to erase. Raises RefusedActError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request as its form has it: ``feed`` and the mapping were checked as a profile; ``network`` is the sender's."""

    name: str
    feed: str
    format: str
    mapping: Mapping[str, Any]
    address: str
    language: Language
    network: str


class RequestBook(TopicMirror[JoinRequests]):
    """Every request, in memory, read when they are needed. ``secret`` seals what its mail lets a person do."""

    def __init__(self, log: EventLog, *, secret: bytes, clock: Clock = now) -> None:
        super().__init__(log, JOINING, fold=fold_requests, empty={}, partitions=(PARTITION,))
        self._secret = secret
        self._clock = clock
        self._seal = Seal(secret, purpose="join request")

    async def change(self, edit: Edit, *beside: Output) -> None:
        """Change requests; no other change comes between reading and writing. ``beside``: records of other topics in
        the same transaction as the change, if there is one. What is refused, or changes nothing, writes nothing to the
        log. Raises RefusedActError, LogError.
        """
        await self.catch_up()
        if not edit(self.state):
            return

        async def attempt(owner: Owner) -> None:
            await self.advance({PARTITION: await owner.end(JOINING, PARTITION)})
            changed = edit(self.state)
            records = [Record(one.encode(), None) if isinstance(one, str) else request_record(one) for one in changed]
            if records:
                outputs = [Output(JOINING, PARTITION, record) for record in records]
                ends = await owner.commit([*outputs, *beside])
                await self.advance({PARTITION: ends[JOINING, PARTITION]})

        try:
            await change_fenced(self._log, ROLE, PARTITION, attempt, seconds=_RETRY_SECONDS)
        except FencedError as error:
            raise LogBusyError("Other requests were changed at the same time; nothing was changed.") from error

    def adding(self, sent: Sent) -> tuple[str, Edit]:
        """The id and the change that keeps a request, whose address gets a mail. Raises RefusedActError."""
        at, request_id = self._clock(), os.urandom(_ID_BYTES).hex()
        day = datetime.fromtimestamp(at / 1_000, UTC).date().isoformat()
        try:
            address = clean_address(sent.address)
        except ValueError as error:
            raise RefusedActError("invalid", f"{error}.") from error
        request = JoinRequest(
            id=request_id,
            name=sent.name,
            feed=sent.feed,
            format=sent.format,
            mapping=sent.mapping,
            address=address,
            language=sent.language,
            asked_at=at,
            network=network_digest(sent.network, day, self._secret),
        )
        if len(request_record(request).value or b"") > MAX_BYTES:
            raise RefusedActError("request-too-large", f"A request has at most {MAX_BYTES // 1024} KiB.")

        def edit(requests: JoinRequests) -> Sequence[Kept]:
            if request_id in requests:
                return []  # an attempt of unknown outcome
            if over_limit(requests, request.network, now=at):
                raise RefusedActError("request-limit", "As many requests were sent today as may be.")
            return [request]

        return request_id, edit

    def confirming(self, request_id: str) -> Edit:
        """The change by which the owner of the address confirms a request."""

        def edit(requests: JoinRequests) -> Sequence[Kept]:
            one = requests.get(request_id)
            if not isinstance(one, JoinRequest) or one.confirmed_at is not None:
                return []
            return [replace(one, confirmed_at=self._clock())]

        return edit

    def withdrawing(self, request_id: str) -> Edit:
        """The change by which the owner of the address erases a request before it is answered."""

        def edit(requests: JoinRequests) -> Sequence[Kept]:
            one = requests.get(request_id)
            return [answered(one)] if isinstance(one, JoinRequest) and one.claim is None else []

        return edit

    def token(self, contact: Contact) -> str:
        """The text by which the owner of the address confirms its request, or erases it; it opens nothing else."""
        return self._seal.close(orjson.dumps([contact.id, contact.asked_at]))

    async def owned(self, text: str) -> Kept | None:
        """The request of a token; None for any other text, for which nothing is read. Raises LogError."""
        payload = self._seal.open(text) if len(text) <= _MAX_TOKEN else None
        members = None if payload is None else sealed_members(payload, str, int)
        if members is None:
            return None
        await self.catch_up()
        kept = self.state.get(members[0])
        return kept if kept is not None and kept.asked_at == members[1] else None


def persons_of(requests: JoinRequests) -> Mapping[str, Contact]:
    """The persons of requests, as mails address them."""
    return {one.id: one.as_contact() for one in requests.values() if isinstance(one, JoinRequest)}


def request_events(requests: JoinRequests) -> Iterator[Event]:
    """The facts that follow from requests: an address to confirm, and the operator's answer."""
    mailed: dict[str, list[int]] = {}
    for one in sorted(requests.values(), key=lambda one: (one.asked_at, one.id)):
        if isinstance(one, Answered):
            if one.platform is not None:
                yield Event(contact=one.id, kind=JOIN_APPROVED, about=one.platform)
            continue
        times = mailed.setdefault(one.address.lower(), [])
        held_back = sum(at > one.asked_at - DAY_MS for at in times) >= MAILS_A_DAY
        if not held_back:
            times.append(one.asked_at)
        if one.refused is not None:
            yield Event(contact=one.id, kind=JOIN_REFUSED)
        elif one.confirmed_at is None and not held_back:
            yield Event(contact=one.id, kind=JOIN_CONFIRM)


def ended(requests: JoinRequests, ledger: Ledger, *, now: int) -> Sequence[Kept | str]:
    """The end of requests: never confirmed, refused once the person knows, or thirty days old."""
    found: list[Kept | str] = []
    for one in requests.values():
        age = now - one.asked_at
        if age >= KEPT_MS or (isinstance(one, JoinRequest) and one.confirmed_at is None and age >= UNCONFIRMED_MS):
            found.append(one.id)
        elif isinstance(one, JoinRequest) and one.refused is not None:
            notice = ledger.notices.get(Event(contact=one.id, kind=JOIN_REFUSED).id)
            if notice is not None and not notice.open:
                found.append(answered(one))
    return found
