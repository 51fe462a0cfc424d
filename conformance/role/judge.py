"""Offline verdicts on a publisher's file: one result per offer. No network, no account. Pure."""

from collections.abc import Iterator
from datetime import date

import orjson

import schemas
from conformance.model.case import Case, Document, Verdict
from conformance.model.result import Finding, Outcome, Result
from conformance.script.batch import inflate, split_batch
from conformance.words import Texts, joined, plain, say

_ACCEPTED = Verdict(accepted=True, problems=frozenset())
MOST_BYTES = 256 * 1024 * 1024


def split_offers(content: bytes) -> Iterator[bytes]:
    """The documents of a file: NDJSON, a JSON array, or one offer; plain or gzip. Raises UnreadableError."""
    if content.startswith(b"\x1f\x8b"):
        content = inflate(content, most=MOST_BYTES)
    if _is_one(content):
        yield content.strip(b" \t\n\r")
    else:
        yield from split_batch(content)


def _is_one(content: bytes) -> bool:
    """Whether the content is one JSON object, possibly over several lines."""
    try:
        return isinstance(orjson.loads(content), dict)
    except orjson.JSONDecodeError:
        return False


def judge(raw: bytes, number: int, *, on: date) -> Result:
    """The result of the document with this number in its file (from 1)."""
    verdict = schemas.check_submission(raw, on=on)
    errors = [problem.to_json() for problem in verdict.problems if problem.severity == "error"]
    fixes: list[Texts] = [each["fix"] for each in errors]
    case = Case(
        id=f"judged/document-{number}",
        requirements=tuple(sorted({problem.requirement for problem in verdict.problems})) or ("OFR-038",),
        roles=frozenset({"publisher"}),
        title=say("judged", id=verdict.id or "?", number=number),
        explanation=say("judged-explanation"),
        mend=joined(fixes, " ") if fixes else plain("–"),
        subject=Document(kind="submission", template={}, on=on, live=True, size=None, expected=_ACCEPTED),
    )
    findings = tuple(
        Finding(plain(f"{problem['pointer'] or '/'} {problem['code']}"), problem["fix"], problem["message"])
        for problem in errors
    )
    return Result(case=case, outcome=Outcome.FAIL if findings else Outcome.PASS, findings=findings)
