"""The verdict on one message of an inbox: it becomes a submission, or a refusal with every reason. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

import orjson

import schemas
from gateway.protocol.identity import is_offer_id, platform_of
from gateway.protocol.record import TYPE_PUBLISHED, TYPE_WITHDRAWN, StoredRecord

_BODY_BYTES = 10_000
"""Most bytes copied of a refused message: the platform that sent it has the rest."""
_UNDECODED = "\ufffd"
"""The replacement for bytes of a header's name that are not UTF-8."""


@dataclass(frozen=True, slots=True)
class RefusedMessage:
    """The problems that keep a message from becoming a submission, and the id and revision that could be read."""

    problems: tuple[schemas.Problem, ...]
    id: str | None = None
    revision: int | None = None


def judge_message(
    record: StoredRecord,
    *,
    platform: str,
    may_publish: bool,
    on: date,
    blocked_by: schemas.Problem | None = None,
    explained: bool = True,
    activations: schemas.Activations = schemas.NOT_ACTIVATED,
) -> schemas.Verdict | RefusedMessage:
    """The verdict on one inbox message: accepted only when key, type, owner and document are valid.

    ``platform`` is the owner of the inbox, proved by the broker's access rules; ``on`` the day of the append in Paris;
    ``blocked_by`` the problem for which its offers are refused at present, withdrawals apart. Unless ``explained``, a
    refusal may omit problems, id and revision. ``activations``: the days from which releases of the schema hold.
    """
    key = _offer_id(record.key)
    if not may_publish:
        return RefusedMessage((schemas.problem("inbox-not-allowed"),), key)
    if key is None:
        return RefusedMessage((schemas.problem("inbox-key"),))
    if platform_of(key) != platform:
        return RefusedMessage((schemas.problem("not-owner", pointer="/id", expected=f"{platform}:…"),))
    if record.value is None or _has_odd_header(record):
        return RefusedMessage((schemas.problem("inbox-null" if record.value is None else "inbox-header"),), key)
    match record.header("ce_type"):
        case str(kind) if kind == TYPE_PUBLISHED:
            verdict = schemas.check(record.value, on=on, explained=explained, activations=activations)
        case str(kind) if kind == TYPE_WITHDRAWN:
            verdict = _withdrawal(record.value, on, explained=explained)
        case _:
            return RefusedMessage((schemas.problem("inbox-type"),), key)
    if verdict.id is not None and verdict.id != key:
        return RefusedMessage((schemas.problem("inbox-key"), *verdict.problems), key, verdict.revision)
    if blocked_by is not None and verdict.withdrawal is None:
        return RefusedMessage((blocked_by, *verdict.problems), key, verdict.revision)
    if not verdict.accepted:
        return RefusedMessage(verdict.problems, key, verdict.revision)
    return verdict


def refused_body(record: StoredRecord, codes: Mapping[str, int], *, log_position: str, receipt: str) -> bytes:
    """The value of a record of ``rejected``: the message's topic, partition and offset, its problems counted by rule,
    its receipt, and the beginning of its text without personal data. The problems themselves are in the receipt.
    """
    text = (record.value or b"")[:_BODY_BYTES].decode(errors="replace")
    key = None if record.key is None else schemas.redact(record.key[:200].decode(errors="replace"))
    body = {"place": log_position, "receipt": receipt, "key": key, "codes": codes, "body": schemas.redact(text)}
    return orjson.dumps(body)


def message_digest(record: StoredRecord) -> Mapping[str, Any]:
    """The identity of the message in its receipt: hex SHA-256 of its value, and its length in bytes."""
    value = record.value or b""
    return {"sha256": sha256(value).hexdigest(), "bytes": len(value)}


def _offer_id(key: bytes | None) -> str | None:
    try:
        text = (key or b"").decode()
    except UnicodeDecodeError:
        return None
    return text if is_offer_id(text) else None


def _has_odd_header(record: StoredRecord) -> bool:
    """Whether the name of a header was not UTF-8."""
    return any(_UNDECODED in name for name, _ in record.headers)


def _withdrawal(raw: bytes, on: date, *, explained: bool) -> schemas.Verdict:
    """The verdict on a withdrawal, as on a batch's item: the type says *withdrawn*, the data has the ``reason``."""
    verdict = schemas.check_withdrawal(raw, on=on, explained=False)
    document = verdict.document
    if document is not None and "reason" in document and "withdrawn" not in document:
        item = {("withdrawn" if name == "reason" else name): value for name, value in document.items()}
        return schemas.check_withdrawal(orjson.dumps(item), on=on, explained=explained)
    return schemas.check_withdrawal(raw, on=on) if explained and not verdict.accepted else verdict
