"""The complete set: a mark, then the export, then all of it at once; what it lacks is withdrawn.

The export is a function that starts after the mark was taken, so that an offer published meanwhile is never absent. It
is spooled to a compressed file, so that each attempt sends the same bytes, of any size, under one ``Idempotency-Key``.
"""

import gzip
import json
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from passerelle_client import clock
from passerelle_client.connection import Answer, Connection
from passerelle_client.errors import ConfirmError, ExportError, RefusedError, say
from passerelle_client.line import NDJSON, Document, lines
from passerelle_client.outcome import LETTERS, Outcome, Summary
from passerelle_client.publisher import GATEWAY, WAIT, Publisher
from passerelle_client.revisions import Revisions

_PIECE = 1 << 16
_ANSWER_SECONDS = 900.0
_LOST_SECONDS = 10.0
"""Seconds without a new receipt after which those of a lost answer are complete."""


def take_mark(connection: Connection) -> tuple[str, str]:
    """A mark, good for one snapshot, and when it ends: in 24 hours. Raises ClientError."""
    answer = connection.call("POST", "/v1/snapshots/marks")
    if not answer.ok:
        raise RefusedError(answer, say("doing-mark", connection.language), connection.language)
    return answer.body["mark"], answer.body["expires_at"]


def snapshot(
    publisher: Publisher,
    export: Callable[[], Iterable[Document]],
    *,
    mark: str = "",
    confirm: int | None = None,
) -> Summary:
    """Replace everything that the platform publishes by an export, whose last document may be ``{"count": N}``.
    ``mark``: one that was taken before; ``confirm``: see ConfirmError. Raises ClientError.
    """
    connection = publisher.connection
    mark = mark or take_mark(connection)[0]
    began = clock.now()
    with tempfile.TemporaryFile() as spool:
        number = _spool(spool, publisher, export)
        answer = _send(spool, connection, {"mark": mark} | ({} if confirm is None else {"confirm": str(confirm)}))
    if answer.code == "stale-mark" and answer.resent:
        summary = _from_receipts(publisher, answer, mark, number)
    elif isinstance(answer.body, dict) and "would_withdraw" in answer.body:
        raise ConfirmError(answer, say("doing-snapshot", connection.language), connection.language, mark=mark)
    elif not answer.ok or not isinstance(answer.body.get("statuses"), str):
        raise publisher.refused(answer, "doing-snapshot")
    else:
        summary = _from_answer(publisher, answer, mark)
    if publisher.revisions is not None:
        publisher.revisions.leave(before=began)
        _heal(publisher, publisher.revisions, summary, mark)
    return summary


def _spool(spool: IO[bytes], publisher: Publisher, export: Callable[[], Iterable[Document]]) -> int:
    """Write the export with its count; returns the count. Raises ExportError."""
    number, declared = 0, None
    with gzip.GzipFile(fileobj=spool, mode="wb", compresslevel=1) as packed:
        for line in lines(export(), publisher.connection, publisher.revisions):
            if line.document.keys() == {"count"}:
                declared = line.document["count"]
            else:
                packed.write(line.raw + b"\n")
                number += 1
        packed.write(json.dumps({"count": number}).encode() + b"\n")
    if not number:
        raise ExportError("export-empty", publisher.connection.language)
    if declared not in {None, number}:
        raise ExportError("export-count", publisher.connection.language, declared=declared, number=number)
    return number


def _send(spool: IO[bytes], connection: Connection, params: dict[str, str]) -> Answer:
    def pieces() -> Iterator[bytes]:
        spool.seek(0)
        while piece := spool.read(_PIECE):
            yield piece

    headers = {
        **WAIT,
        "Content-Type": NDJSON,
        "Content-Encoding": "gzip",
        "Content-Length": str(spool.seek(0, 2)),
        "Idempotency-Key": secrets.token_urlsafe(18),
    }
    return connection.call(
        "POST", "/v1/snapshots", params=params, body=pieces, headers=headers, seconds=_ANSWER_SECONDS
    )


def _from_answer(publisher: Publisher, answer: Answer, mark: str) -> Summary:
    """The summary of the answer; where that leaves decisions open, of the receipts."""
    content, summary = answer.body, Summary(withdrawn=answer.body["withdrawn"])
    summary.note(content)
    verdicts = [LETTERS.get(letter, "pending") for letter in content["statuses"]]
    results = {result["index"]: result for result in content["results"]}
    queued = sum(verdict != "refused" for verdict in verdicts)
    is_open = "pending" in verdicts
    for at, verdict in enumerate(verdicts):
        if verdict == "refused" or not is_open:
            summary.add(Outcome.read({"index": at, **results.get(at, {}), "verdict": verdict}))
    if is_open:
        indexes = {result["receipt"]: at for at, result in results.items() if "receipt" in result}
        for receipt in publisher.decisions(queued, snapshot=mark):
            if receipt["publisher"] != GATEWAY:
                queued -= 1
                outcome = Outcome.read({**receipt, "index": indexes.get(receipt["receipt"])})
                summary.add(outcome)
                summary.note_decision(outcome)
        summary.leave(queued, content["receipts"])
    return summary


def _from_receipts(publisher: Publisher, answer: Answer, mark: str, number: int) -> Summary:
    """The outcome of a snapshot whose answer was lost and is not replayed (PUB-045), by the receipts of its mark. What
    has none was refused, or is not decided: it counts as pending. Raises RefusedError where the mark has no receipts.
    """
    summary = Summary()
    for receipt in publisher.decisions(sys.maxsize, _LOST_SECONDS, snapshot=mark):
        if receipt["publisher"] == GATEWAY:
            summary.withdrawn += receipt["verdict"] == "accepted"
        else:
            summary.add(outcome := Outcome.read(receipt))
            summary.note_decision(outcome)
    if not summary.counts and not summary.withdrawn:
        raise RefusedError(answer, "", publisher.connection.language, code="stale-mark")
    summary.leave(number - summary.counts.total(), f"/v1/receipts?snapshot={mark}")
    return summary


def _heal(publisher: Publisher, revisions: Revisions, summary: Summary, mark: str) -> None:
    """Give stale offers that were never sent before a revision for the next snapshot: this mark is used."""
    if summary.counts["stale"]:
        for receipt in publisher.decisions(sys.maxsize, 0.0, snapshot=mark, verdict="stale"):
            stale = Outcome.read(receipt)
            if stale.revision is not None and stale.current is not None:
                revisions.heal(stale.id, sent=stale.revision, current=stale.current)
