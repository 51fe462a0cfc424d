"""Judging the documents of an upload one by one: the shared verdict, ownership, and what a snapshot may hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import orjson

import schemas
from gateway.protocol.identity import platform_of
from gateway.protocol.record import submission_record
from gateway.submissions import Prepared, Submissions
from gateway.upload.error import UploadRefusedError
from gateway.upload.spool import Item
from schemas import Verdict

_COUNT_LINE_BYTES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who uploads, when, and on which trace: ``on`` is the day of receipt, ``hosts`` those of all platforms, ``lack``
    why none of its offers is taken at present; it may withdraw them all the same.
    """

    publisher: str
    hosts: Mapping[str, str]
    on: date
    lack: schemas.Problem | None = None
    traceparent: str | None = None


class Judge(Protocol):
    """Turns one document into an item. ``declared_count`` is what a snapshot's last line says, once it was there."""

    declared_count: int | None

    def judge(self, raw: bytes) -> Item | None:
        """The item, or None for a line that is no item. Raises UploadRefusedError for the whole upload."""


class BatchJudge:
    """Offers and withdrawals; what is refused is the item's own affair."""

    def __init__(self, submissions: Submissions, author: Author) -> None:
        self._submissions = submissions
        self._author = author
        self.declared_count: int | None = None

    def judge(self, raw: bytes) -> Item:
        """Accepted if the verdict says so and the offer is the author's own (IDN-003)."""
        return self.weigh(schemas.check_submission(raw, on=self._author.on), None)

    def weigh(self, verdict: Verdict, marks: Sequence[int] | None) -> Item:
        """The item of a verdict."""
        problems = [found.to_json() for found in verdict.problems]
        if verdict.id is not None and platform_of(verdict.id) != self._author.publisher:
            foreign = schemas.problem(
                "not-owner", pointer="/id", expected=f"{self._author.publisher}:…", actual=verdict.id
            )
            return Item(verdict.id, [foreign.to_json(), *problems], None)
        if verdict.withdrawal is None and self._author.lack is not None:
            return Item(verdict.id, [self._author.lack.to_json(), *problems], None)
        if not verdict.accepted:
            return Item(verdict.id, problems, None)
        submission = self._submissions.prepare(
            verdict,
            publisher=self._author.publisher,
            hosts=self._author.hosts,
            marks=marks,
            traceparent=self._author.traceparent,
        )
        return Item(verdict.id, problems, Prepared(submission.receipt, submission_record(submission)))


class SnapshotJudge:
    """A complete set: offers only, and the count on the last line (PUB-024, PUB-027). ``marks``: the mark's vector."""

    def __init__(self, submissions: Submissions, author: Author, marks: Sequence[int]) -> None:
        self._items = BatchJudge(submissions, author)
        self._on = author.on
        self._marks = marks
        self._index = 0
        self.declared_count: int | None = None

    def judge(self, raw: bytes) -> Item | None:
        """The item of an offer, None for the line with the count."""
        if self.declared_count is not None:  # what looked like the last line was not the last
            raise UploadRefusedError("snapshot-count-missing")
        self.declared_count = _declared_count(raw)
        if self.declared_count is not None:
            return None
        verdict = schemas.check(raw, on=self._on)
        if verdict.document is not None and "withdrawn" in verdict.document:
            raise UploadRefusedError("snapshot-withdrawal", pointer=f"/{self._index}")
        self._index += 1
        return self._items.weigh(verdict, self._marks)


def _declared_count(raw: bytes) -> int | None:
    """The number in ``{"count": N}``; None for any other line."""
    if len(raw) > _COUNT_LINE_BYTES or b'"count"' not in raw:
        return None
    try:
        line: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if type(line) is not dict or line.keys() != {"count"} or type(line["count"]) is not int or line["count"] < 0:
        return None
    return int(line["count"])
