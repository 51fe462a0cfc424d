"""Report as a JSON document (schema ``conformance-report``), the source of every other format."""

import shlex
from collections.abc import Mapping
from typing import Any, TypeAlias

import schemas
from conformance.model.result import Exchange, Finding, Outcome, Result, Run
from conformance.script.matcher import render_value
from conformance.words import LocalisedError, Texts, say
from schemas.rulebook import Language

Report: TypeAlias = Mapping[str, Any]


class ReportError(LocalisedError):
    """A file is not a report of this kit."""


def document_of(run: Run) -> dict[str, Any]:
    """The document of a run. A pass or omission has a summary; any other result also findings, exchanges and remedy."""
    return {
        "role": run.role,
        "target": run.target,
        "profile": run.profile,
        "versions": {
            "kit": run.versions.kit,
            "protocol": run.versions.protocol,
            "schema": run.versions.schema,
            "rules": run.versions.rules,
        },
        "seed": run.seed,
        "began": run.began,
        "milliseconds": run.milliseconds,
        "conforms": run.conforms,
        "totals": {outcome.value: number for outcome, number in run.totals().items()},
        "announced": run.announced,
        "results": [_result(result) for result in run.results],
    }


def read_document(body: Any) -> Report:
    """A document read back, checked against the schema. Raises ReportError."""
    failure = next(schemas.validator("conformance-report").iter_errors(body), None)
    if failure is not None:
        pointer = "".join(f"/{step}" for step in failure.absolute_path)
        broken = {"keyword": failure.validator, "asked": render_value(failure.validator_value)}
        raise ReportError(say("schema-broken", place=pointer or say("the-whole"), **broken))
    report: Report = body
    return report


def _result(result: Result) -> dict[str, Any]:
    case = result.case
    body: dict[str, Any] = {
        "case": case.id,
        "requirements": list(case.requirements),
        "title": dict(case.title),
        "outcome": result.outcome.value,
        "milliseconds": result.milliseconds,
    }
    if result.announced:
        body["announced"] = True
    if result.reason is not None:
        body["reason"] = dict(result.reason)
    if result.outcome not in {Outcome.PASS, Outcome.OMIT}:
        body |= {"explanation": dict(case.explanation), "mend": dict(case.mend)}
        body["findings"] = [_finding(finding) for finding in result.findings]
        body["exchanges"] = [_exchange(exchange) for exchange in result.exchanges]
    return body


def _finding(finding: Finding) -> dict[str, Any]:
    """A finding in English, compatible with readers of earlier reports, and in French under ``fr``."""
    texts = {"place": finding.location, "expected": finding.expected, "actual": finding.actual}
    english: dict[str, Any] = {name: text["en"] for name, text in texts.items()}
    return {**english, "fr": {name: text["fr"] for name, text in texts.items()}}


def text_of(finding: Mapping[str, Any], name: str) -> Texts:
    """One of a finding's texts: ``place``, ``expected`` or ``actual``."""
    return {"fr": finding.get("fr", finding)[name], "en": finding[name]}


def lines_of(result: Mapping[str, Any], language: Language) -> list[str]:
    """A result's findings, one line each, then its reason."""
    names = ("place", "expected", "actual")
    found = [[text_of(each, name)[language] for name in names] for each in result.get("findings", ())]
    lines = [f"{location}: {expected} ≠ {actual}" for location, expected, actual in found]
    return [*lines, result["reason"][language]] if "reason" in result else lines


def _exchange(exchange: Exchange) -> dict[str, Any]:
    return {
        "method": exchange.method,
        "url": exchange.url,
        "headers": dict(exchange.headers),
        "body": exchange.body,
        "status": exchange.status,
        "answer_headers": dict(exchange.answer_headers),
        "answer": exchange.answer,
        "milliseconds": exchange.milliseconds,
    }


def repeat_command(report: Report, case: str) -> str:
    """The command that repeats one case with the same seed; for a judged file, which has no seed, the whole file."""
    if not report["seed"]:
        return f"passerelle-conformance judge {shlex.quote(report['target'])}"
    return f"passerelle-conformance run --case {case} --seed {report['seed']}"
