"""Command ``judge``: offline verdicts on a publisher's file, one result per offer. No network, no account."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

import schemas
from conformance import clock
from conformance.cli.output import UNUSABLE, Lang, Reports, check_reports, print_result, print_run, stop, write_reports
from conformance.model.case import Case, CaseDocument, ExpectedVerdict
from conformance.model.result import EXIT_CODES, Deviation, Outcome, Result, Run
from conformance.report.document import report_of
from conformance.report.label import JUDGED
from conformance.role.runner import VERSIONS
from conformance.script.batch import UnreadableBatchError, inflate, split_batch
from conformance.words import both, plain, say
from schemas.bilingual import system_reason

_MAX_PRINTED = 200
_ACCEPTED = ExpectedVerdict(accepted=True, problems=frozenset())
_MAX_BYTES = 256 * 1024 * 1024


def judge(
    file: Annotated[Path, typer.Argument(help=both(say("help-file")))],
    report: Reports = None,
    lang: Lang = "fr",
) -> None:
    """Judge a file of offers offline, with the verdict of every gateway."""
    check_reports(report or [], lang)
    day, began = clock.today(), clock.now()
    try:
        documents = list(split_offers(file.read_bytes()))
    except (OSError, UnreadableBatchError) as error:
        why = error.text if isinstance(error, UnreadableBatchError) else system_reason(error).texts
        stop(say("unread", path=file, error=why), say("offers-unread-step"), UNUSABLE, lang)
    results = tuple(judge_document(raw, number, on=day) for number, raw in enumerate(documents, start=1))
    for result in results[:_MAX_PRINTED]:
        print_result(result, lang)
    finished = Run(
        role="publisher",
        target=file.name,
        profile="file",
        versions=VERSIONS,
        seed="",
        began=began,
        milliseconds=0,
        results=results,
    )
    print_run(finished, lang)
    write_reports(report_of(finished), report or [], lang)
    raise typer.Exit(finished.exit_code if results else EXIT_CODES[Outcome.SKIP])


def split_offers(content: bytes) -> Iterator[bytes]:
    """The documents of a file: NDJSON, a JSON array, or one offer; plain or gzip. Raises UnreadableBatchError."""
    if content.startswith(b"\x1f\x8b"):
        content = inflate(content, most=_MAX_BYTES)
    try:
        is_one_offer = isinstance(orjson.loads(content), dict)
    except orjson.JSONDecodeError:
        is_one_offer = False
    return iter([content.strip(b" \t\n\r")]) if is_one_offer else split_batch(content)


def judge_document(raw: bytes, number: int, *, on: date) -> Result:
    """The result of the document with this number in its file (from 1)."""
    verdict = schemas.check_submission(raw, on=on)
    errors = [problem.to_json() for problem in verdict.problems if problem.severity == "error"]
    case = Case(
        id=f"{JUDGED}/document-{number}",
        requirements=tuple(sorted({problem.requirement for problem in verdict.problems})) or ("OFR-038",),
        roles=frozenset({"publisher"}),
        title=say("judged", id=verdict.id or "?", number=number),
        explanation=say("judged-explanation"),
        mend=say("judged-mend") if errors else plain("–"),
        subject=CaseDocument(kind="submission", template={}, on=on, live=True, size=None, expected=_ACCEPTED),
    )
    findings = tuple(map(_finding, errors))
    return Result(case=case, outcome=Outcome.FAIL if findings else Outcome.PASS, findings=findings)


def _finding(problem: Mapping[str, Any]) -> Deviation:
    """A problem as a finding. In French its code is behind the message; the English location keeps it, since programs
    read it there in the JSON report.
    """
    pointer, code, message = problem["pointer"], problem["code"], problem["message"]
    return Deviation(
        {"fr": pointer or say("the-whole")["fr"], "en": f"{pointer or '/'} {code}"},
        problem["fix"],
        {"fr": say("coded", text=message, code=code)["fr"], "en": message["en"]},
    )
