"""Moderation: the operator withdraws an offer with a reason for its publisher, or lifts that (WDR-007).

The command concerns the state that it was given for: any newer change prevails over it (WDR-006). Its reason is in the
command and in its receipt, which the offer's platform reads, and in the journal; never in ``offers``, so that no
removal can hold it.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, TypeAlias

import orjson

from gateway.errors import LogError
from gateway.ingest.submissions import Submissions
from gateway.log.port import EventLog
from gateway.log.reading import read_records
from gateway.log.request import wait_for_answer
from gateway.operate.desk import Desk, RefusedActError
from gateway.protocol.decide import state_of
from gateway.protocol.identity import partition_of, platform_of
from gateway.protocol.journal import ActName
from gateway.protocol.record import StoredRecord, read_offer
from gateway.protocol.seal import ReceiptIds
from gateway.protocol.submission import Known, Lift, Retire
from gateway.protocol.topic import OFFERS, RECEIPTS

Action: TypeAlias = Literal["moderate", "lift"]
_ACTS: Mapping[Action, ActName] = {"moderate": "offer.moderate", "lift": "offer.lift"}
DECISION_SECONDS = 30.0
"""Longest wait for the decision."""


def moderation_command(
    action: Action, offer_id: str, known: Known | None, *, reason: str | None, ids: ReceiptIds, partitions: int
) -> Retire | Lift:
    """The command for an offer in this state; its receipt is the same for the same state (RCP-003). ``reason`` is for
    the publisher. Raises RefusedActError for an offer that is not known, and where there is nothing to do.
    """
    if known is None:
        raise RefusedActError("offer-unknown", "The gateway has no such offer.", actual=offer_id)
    if (state_of(known) == "moderated") == (action == "moderate"):
        if action == "moderate":
            message = "This offer is already moderated: nothing was changed."
            raise RefusedActError("already-moderated", message, actual=offer_id)
        raise RefusedActError("not-moderated", "This offer is not moderated: nothing was changed.", actual=offer_id)
    receipt = ids.derive(
        platform_of(offer_id),
        partition=partition_of(offer_id, partitions),
        parts=(action, offer_id, known.sequence),
    )
    if action == "lift":
        return Lift(receipt=receipt, id=offer_id, if_revision=known.revision, why=reason)
    return Retire(receipt=receipt, id=offer_id, if_revision=known.revision, reason="moderated", why=reason)


async def moderate(
    desk: Desk,
    action: Action,
    offer_id: str,
    known: Known | None,
    *,
    submissions: Submissions,
    ids: ReceiptIds,
    seen: int | None = None,
) -> Retire | Lift:
    """Moderate an offer in this state, or lift that, with the desk's reason. Returns the command, which is queued: its
    receipt is the decision. ``seen``: the sequence of the state that the operator saw; another one refuses the act.
    Raises RefusedActError, LogError.
    """
    command = moderation_command(action, offer_id, known, reason=desk.why, ids=ids, partitions=desk.log.partitions)
    if seen is not None and known is not None and known.sequence != seen:
        raise RefusedActError("superseded", f"{offer_id} was changed meanwhile.")
    async with desk.acting(_ACTS[action], offer_id):
        [outcome] = await submissions.submit([command])
        if isinstance(outcome, LogError):
            raise outcome
    return command


async def newest_state(log: EventLog, offer_id: str) -> Known | None:
    """The state of one offer, read from the log up to its present end; for commands, which have no view."""
    key, value = offer_id.encode(), None
    async for record in read_records(log, OFFERS, partition_of(offer_id, log.partitions)):
        if record.key == key:
            value = record.value
    return None if value is None else read_offer(key, value).known


async def decision_of(log: EventLog, command: Retire | Lift, *, start: int, seconds: float) -> Mapping[str, Any] | None:
    """The receipt of a command, read from the log from this offset on; None if no gateway decides it within
    ``seconds``. Raises LogError.
    """
    partition, receipt = partition_of(command.id, log.partitions), partial(_receipt_in, command.receipt)
    try:
        return await wait_for_answer(log, RECEIPTS, partition, start=start, answer=receipt, seconds=seconds)
    except TimeoutError:
        return None


def _receipt_in(receipt_id: str, record: StoredRecord) -> Mapping[str, Any] | None:
    """The receipt of this id, if this record has it."""
    if record.value is None or receipt_id.encode() not in record.value:
        return None
    receipt: Mapping[str, Any] = orjson.loads(record.value)
    return receipt if receipt["receipt"] == receipt_id else None
