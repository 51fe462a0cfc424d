"""Judges of an upload's documents, one by one: the shared verdict, ownership, and the rules of snapshots."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import schemas
from gateway.errors import UploadRefusedError
from gateway.ingest.submissions import Prepared, Submissions
from gateway.ingest.upload.splitting import declared_count
from gateway.ingest.upload.spool import JudgedItem
from gateway.protocol.identity import platform_of
from gateway.protocol.record import submission_record
from schemas import Verdict
from schemas.territory import department_in

EXPLAINED = 1_000
"""Most refused items of an upload with their problems written out, with their texts in both languages."""
_EXPLAINING_SECONDS = 5.0
"""Processor time to explain further ones, of which only the rules are counted. After that they are only counted."""
NOT_EXPLAINED = "not-explained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """The publisher of an upload, with day and trace: ``on`` is the day of receipt, ``activations`` the days from which
    releases of the schema hold, ``hosts`` the hosts of all platforms,
    ``blocked_by`` the problem for which its offers are refused at present, withdrawals apart.
    """

    publisher: str
    hosts: Mapping[str, str]
    on: date
    activations: schemas.Activations = field(default_factory=dict)
    blocked_by: schemas.Problem | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Unexplained:
    """A refused item whose problems are not collected yet: ``explain`` takes milliseconds and runs in a thread."""

    explain: Callable[[], JudgedItem]


class DocumentCheck(Protocol):
    """A verdict of ``schemas``."""

    def __call__(
        self, raw: bytes, *, on: date, explained: bool = True, activations: schemas.Activations = schemas.NOT_ACTIVATED
    ) -> Verdict:
        """See ``schemas.check``."""


class Judge(Protocol):
    """Turns one document into an item. ``declared_count`` is the count on a snapshot's last line, once read."""

    declared_count: int | None

    def judge(self, raw: bytes) -> JudgedItem | Unexplained | None:
        """The item, or None for a line that is no item. Raises UploadRefusedError for the whole upload."""


class BatchJudge:
    """Offers and withdrawals; a refused item does not affect the others."""

    def __init__(self, submissions: Submissions, author: Author) -> None:
        self._submissions = submissions
        self._author = author
        self._refused = 0
        self._explaining = 0.0
        self.declared_count: int | None = None

    def judge(self, raw: bytes) -> JudgedItem | Unexplained:
        """The item of a document; accepted if its verdict is, and the offer is the author's own (IDN-003)."""
        return self.examine(schemas.check_submission, raw, None)[1]

    def examine(
        self, check: DocumentCheck, raw: bytes, marks: Sequence[int] | None
    ) -> tuple[Verdict, JudgedItem | Unexplained]:
        """The verdict on a document, and its item. The problems of the first 1,000 refused items are written out."""
        verdict = check(raw, on=self._author.on, explained=False, activations=self._author.activations)
        if verdict.problems and verdict.problems[0].code == NOT_EXPLAINED and self._explaining < _EXPLAINING_SECONDS:
            return verdict, Unexplained(lambda: self._explain(check, raw, marks))
        return verdict, self._counted(verdict, marks)

    def _explain(self, check: DocumentCheck, raw: bytes, marks: Sequence[int] | None) -> JudgedItem:
        written = self._refused < EXPLAINED
        began = time.thread_time()
        item = self._counted(check(raw, on=self._author.on, activations=self._author.activations), marks)
        if not written:
            self._explaining += time.thread_time() - began
        return item

    def _counted(self, verdict: Verdict, marks: Sequence[int] | None) -> JudgedItem:
        item = self.weigh(verdict, marks, written=self._refused < EXPLAINED)
        self._refused += item.prepared is None
        return item

    def weigh(self, verdict: Verdict, marks: Sequence[int] | None, *, written: bool = True) -> JudgedItem:
        """The item of a verdict. A refused item that is not ``written`` has only the codes of its errors."""
        against = self._against(verdict)
        if against is None:
            return self._accept(verdict, marks)
        department = department_in(verdict.document)
        if written:
            return JudgedItem(verdict.id, [found.to_json() for found in against], None, department=department)
        errors = sorted({found.code for found in against if found.severity == "error"})
        return JudgedItem(verdict.id, (), None, errors, department)

    def _against(self, verdict: Verdict) -> Sequence[schemas.Problem] | None:
        """The problems for which an item is refused; None for an accepted one."""
        if verdict.id is not None and platform_of(verdict.id) != self._author.publisher:
            foreign = schemas.problem(
                "not-owner", pointer="/id", expected=f"{self._author.publisher}:…", actual=verdict.id
            )
            return (foreign, *verdict.problems)
        if verdict.withdrawal is None and self._author.blocked_by is not None:
            return (self._author.blocked_by, *verdict.problems)
        return None if verdict.accepted else verdict.problems

    def _accept(self, verdict: Verdict, marks: Sequence[int] | None) -> JudgedItem:
        problems = [found.to_json() for found in verdict.problems]
        submission = self._submissions.prepare(
            verdict,
            publisher=self._author.publisher,
            hosts=self._author.hosts,
            marks=marks,
            traceparent=self._author.traceparent,
        )
        return JudgedItem(verdict.id, problems, Prepared(submission.receipt, submission_record(submission)))


class SnapshotJudge:
    """A complete set: offers only, and the count on the last line (PUB-024, PUB-027). ``marks``: the mark's vector."""

    def __init__(self, submissions: Submissions, author: Author, marks: Sequence[int]) -> None:
        self._items = BatchJudge(submissions, author)
        self._marks = marks
        self._index = 0
        self.declared_count: int | None = None

    def judge(self, raw: bytes) -> JudgedItem | Unexplained | None:
        """The item of an offer, None for the line with the count."""
        if self.declared_count is not None:  # what looked like the last line was not the last
            raise UploadRefusedError("snapshot-count-missing")
        self.declared_count = declared_count(raw)
        if self.declared_count is not None:
            return None
        verdict, item = self._items.examine(schemas.check, raw, self._marks)
        if verdict.document is not None and "withdrawn" in verdict.document:
            raise UploadRefusedError("snapshot-withdrawal", pointer=f"/{self._index}")
        self._index += 1
        return item
