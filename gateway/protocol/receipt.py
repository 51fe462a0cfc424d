"""Receipts: the outcome of a submission as a record of ``receipts``. ``seal.ReceiptIds`` mints their ids.

A refused message of an inbox has a receipt of its own within a daily bound; beyond that it is only counted. The state
of ``Refusals`` is written to ``positions`` in the same transaction as the refusals, so that a chunk that is read again
after a crash gets the same receipts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import orjson

from gateway.protocol.decide import Accepted, Decision, Duplicate, Rejected, Stale
from gateway.protocol.identity import kind_of
from gateway.protocol.record import Record, utc
from gateway.protocol.submission import Lift, Publish, Retire, Submission, Withdraw
from schemas.closed_list import closed_list
from schemas.rulebook import Language

AFTER_LIFT: Mapping[Language, str] = {
    "fr": "L’offre ne revient pas d’elle-même : publiez-la à nouveau avec une révision plus haute, ou dans le prochain "
    "jeu complet.",
    "en": "The offer does not come back by itself: publish it again with a higher revision, or in the next complete "
    "snapshot.",
}
"""The next step of the publisher after a moderation was lifted (WDR-007, ADR 0006)."""
VERDICTS = closed_list("decided")
_VERDICTS: dict[type[Decision], str] = {
    Accepted: "accepted",
    Duplicate: "duplicate",
    Stale: "stale",
    Rejected: "rejected",
}
MAX_REFUSALS_PER_DAY = 1_000
MAX_REFUSAL_BYTES_PER_DAY = 2_000_000
"""Per inbox and day: refusals with a receipt of their own, and the bytes of these receipts and of their copies on
``rejected``. Each partition has an equal share.
"""
_DIGITS = 12
_FIELD: int = 10**_DIGITS


@dataclass(frozen=True, slots=True)
class ReceiptVersions:
    """The versions of schema and rule set that a document was judged under."""

    schema: str
    rules: str

    @classmethod
    @cache
    def of(cls, release: str) -> "ReceiptVersions":
        """The versions of a release."""
        schema, _, rules = release.partition("-")
        return cls(schema, rules)


@cache
def _members(versions: ReceiptVersions) -> Mapping[str, str]:
    release = f"{versions.schema}-{versions.rules}"
    return {"schema_version": versions.schema, "rules_version": versions.rules, "release": release}


def receipt_record(
    submission: Submission,
    decision: Decision,
    *,
    publisher: str,
    log_position: str,
    at: int,
    versions: ReceiptVersions,
    problem: Mapping[str, Any] | None,
) -> Record:
    """A record of ``receipts``: key the offer id, value the receipt document (schema ``receipt``).

    ``log_position`` is the submission's topic, partition and offset (``submissions/partition/offset``), ``problem`` the
    explanation of a stale or rejected verdict. ``versions`` are the relay's, for a submission that names no release.
    """
    problems: Sequence[Mapping[str, Any]] = ()
    if isinstance(submission, Publish):
        problems = submission.problems
        versions = versions if submission.release is None else ReceiptVersions.of(submission.release)
    body: dict[str, Any] = {
        "receipt": submission.receipt,
        "id": submission.id,
        "publisher": publisher,
        "verdict": verdict_name(decision),
        "position": log_position,
        "at": utc(at),
        **_members(versions),
        "problems": problems if problem is None else (problem, *problems),
    }
    _add_submission(body, submission)
    match decision:
        case Accepted():
            body["sequence"] = decision.sequence
            body["created"] = decision.created
            if isinstance(submission, Withdraw | Retire):
                body["withdrawn"] = submission.reason
        case Duplicate():
            body["sequence"] = decision.known.sequence
        case Stale(known=known) | Rejected(known=known) if known is not None:
            body["current"] = {"revision": known.revision, "sequence": known.sequence}
    return Record(submission.id.encode(), orjson.dumps(body))


def _add_submission(body: dict[str, Any], submission: Submission) -> None:
    """Add the members of some kinds of submissions."""
    if isinstance(submission, Publish | Withdraw):
        body["revision"] = submission.revision
        body["digest"] = submission.digest
        if isinstance(submission, Publish) and (department := submission.territory.get("department")) is not None:
            body["department"] = department
    elif isinstance(submission, Retire | Lift):
        body["revision"] = submission.if_revision
        if isinstance(submission, Retire) and submission.why is not None:
            body["moderation"] = {"action": "moderate", "reason": submission.why}
        elif isinstance(submission, Lift) and submission.why is not None:
            body["moderation"] = {"action": "lift", "reason": submission.why, "next": AFTER_LIFT}
    if isinstance(submission, Publish | Withdraw | Retire) and submission.upload is not None:
        body[kind_of(submission.upload)] = submission.upload


def refusal_record(
    *,
    receipt: str,
    publisher: str,
    log_position: str,
    at: int,
    versions: ReceiptVersions,
    problems: Sequence[Mapping[str, Any]],
    about: Mapping[str, Any],
) -> Record:
    """The receipt of an inbox message that was refused and never became a submission. ``problems`` are the first ones.
    ``about`` has the other known members: the offer's ``id`` and ``revision``, ``codes`` and ``message`` as in the
    schema.
    """
    body: dict[str, Any] = {
        "receipt": receipt,
        "publisher": publisher,
        "verdict": "rejected",
        "position": log_position,
        "at": utc(at),
        **_members(versions),
        "problems": list(problems),
    }
    body.update((name, value) for name, value in about.items() if value is not None)
    return Record((about.get("id") or publisher).encode(), orjson.dumps(body))


def verdict_name(decision: Decision) -> str:
    """The verdict of a decision, as the protocol names it."""
    return _VERDICTS[type(decision)]


@dataclass(frozen=True, slots=True)
class Refusals:
    """The refusals of one partition on one day (``YYYYMMDD`` in Europe/Paris): ``listed`` ones have their own receipt,
    ``size`` is the bytes written for them, ``unlisted`` ones are only counted.
    """

    day: int = 0
    listed: int = 0
    size: int = 0
    unlisted: int = 0

    @classmethod
    def from_number(cls, number: int) -> "Refusals":
        """The inverse of ``to_number``."""
        number, unlisted = divmod(number, _FIELD)
        number, size = divmod(number, _FIELD)
        day, listed = divmod(number, _FIELD)
        return cls(day, listed, size, unlisted)

    def to_number(self) -> int:
        """The state as one integer, twelve decimal digits per field: ``positions`` holds integers only."""
        return ((self.day * _FIELD + self.listed) * _FIELD + self.size) * _FIELD + self.unlisted

    def on(self, day: int) -> "Refusals":
        """The state at a refusal of this day. A day before the last one counts as the last one."""
        return self if day <= self.day else Refusals(day)

    def has_room(self, partitions: int) -> bool:
        """Whether one more refusal gets a receipt of its own, in an inbox with this number of partitions."""
        return self.listed * partitions < MAX_REFUSALS_PER_DAY and self.size * partitions < MAX_REFUSAL_BYTES_PER_DAY

    def list(self, size: int) -> "Refusals":
        """The state after a refusal with a receipt of its own, which takes ``size`` bytes."""
        return replace(self, listed=self.listed + 1, size=self.size + size)

    def count(self) -> "Refusals":
        """The state after a refusal without a receipt of its own."""
        return replace(self, unlisted=self.unlisted + 1)

    @property
    def needs_summary(self) -> bool:
        """Whether the count of unlisted refusals gets a receipt: the 1st, 10th, 100th … does, so a day has few."""
        return self.unlisted > 0 and str(self.unlisted).strip("0") == "1"


def refusals_key(topic: str) -> str:
    """The name of the state of an inbox's partitions on ``positions``."""
    return f"refusals.{topic}"


def unlisted(states: Iterable[int]) -> int:
    """The unlisted refusals of an inbox on the last day on which it had any refusal; ``states`` are its partitions'."""
    found = [Refusals.from_number(number) for number in states]
    last = max((one.day for one in found), default=0)
    return sum(one.unlisted for one in found if one.day == last)
