"""Moderation: the operator withdraws an offer with a reason for its publisher, or lifts that (WDR-007).

The command concerns the state that it was given for: any newer change prevails over it (WDR-006). Its reason is in the
command and in its receipt, which the offer's platform reads, and in the journal; never in ``offers``, so that no
removal can hold it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

import orjson

from gateway.errors import CodedError, LogError
from gateway.ingest.submissions import Submissions
from gateway.log.port import EventLog
from gateway.log.reading import read_up_to
from gateway.log.request import wait_for_answer
from gateway.operate.journal import Journal
from gateway.protocol.decide import state_of
from gateway.protocol.identity import partition_of, platform_of
from gateway.protocol.journal import Act, ActName, Actor
from gateway.protocol.record import StoredRecord, read_offer
from gateway.protocol.seal import ReceiptIds
from gateway.protocol.submission import Known, Lift, Retire
from gateway.protocol.topic import OFFERS, RECEIPTS

Action: TypeAlias = Literal["moderate", "lift"]
_ACTS: Mapping[Action, ActName] = {"moderate": "offer.moderate", "lift": "offer.lift"}
_PAGE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderation:
    """What is asked for. ``reason`` is for the publisher."""

    action: Action
    offer_id: str
    reason: str | None = None


def moderation_command(asked: Moderation, known: Known | None, *, ids: ReceiptIds, partitions: int) -> Retire | Lift:
    """The command for an offer in this state; its receipt is the same for the same state (RCP-003).

    Raises CodedError: ``offer-unknown``, or ``already-moderated`` and ``not-moderated`` where there is nothing to do.
    """
    offer_id = asked.offer_id
    if known is None:
        raise CodedError("offer-unknown", actual=offer_id)
    if (state_of(known) == "moderated") == (asked.action == "moderate"):
        raise CodedError("already-moderated" if asked.action == "moderate" else "not-moderated", actual=offer_id)
    receipt = ids.derive(
        platform_of(offer_id),
        partition=partition_of(offer_id, partitions),
        parts=(asked.action, offer_id, known.sequence),
    )
    if asked.action == "lift":
        return Lift(receipt=receipt, id=offer_id, if_revision=known.revision, why=asked.reason)
    return Retire(receipt=receipt, id=offer_id, if_revision=known.revision, reason="moderated", why=asked.reason)


async def write_entry(journal: Journal, asked: Moderation, actor: Actor) -> None:
    """Write the entry of a moderation, which comes before its command. Raises LogError."""
    await journal.write(Act(act=_ACTS[asked.action], about=asked.offer_id, why=asked.reason), actor)


async def newest_state(log: EventLog, offer_id: str) -> Known | None:
    """The state of one offer, read from the log up to its present end; for commands, which have no view."""
    partition, key = partition_of(offer_id, log.partitions), offer_id.encode()
    start, end = (await log.starts(OFFERS))[partition], (await log.ends(OFFERS))[partition]
    value: bytes | None = None
    async with read_up_to(log, OFFERS, partition, start=start, end=end, limit=_PAGE) as chunks:
        async for chunk in chunks:
            for record in chunk.records:
                if record.key == key:
                    value = record.value
    return None if value is None else read_offer(key, value).known


async def decided(
    log: EventLog, submissions: Submissions, command: Retire | Lift, *, seconds: float
) -> Mapping[str, Any] | None:
    """Submit a command and return its receipt; None if no gateway decides it within ``seconds``. Raises LogError."""
    partition = partition_of(command.id, log.partitions)
    position = (await log.ends(RECEIPTS))[partition]
    [outcome] = await submissions.submit([command])
    if isinstance(outcome, LogError):
        raise outcome
    receipt = partial(_receipt_in, command.receipt)
    try:
        return await wait_for_answer(log, RECEIPTS, partition, start=position, answer=receipt, seconds=seconds)
    except TimeoutError:
        return None


def _receipt_in(receipt_id: str, record: StoredRecord) -> Mapping[str, Any] | None:
    """The receipt of this id, if this record has it."""
    if record.value is None or receipt_id.encode() not in record.value:
        return None
    receipt: Mapping[str, Any] = orjson.loads(record.value)
    return receipt if receipt["receipt"] == receipt_id else None
