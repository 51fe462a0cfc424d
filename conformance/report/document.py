"""Report as a JSON document (schema ``conformance-report``), the source of every other format, and evidence: the
report of a complete run with its digest, which the operator checks and signs.
"""

import hashlib
import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, TypeAlias

import orjson

import schemas
from conformance.model.case import Case
from conformance.model.result import Finding, Outcome, Result, Run
from conformance.script.matcher import render_value
from conformance.words import LocalisedError, Texts, say
from schemas.rulebook import Language

Report: TypeAlias = Mapping[str, Any]


class ReportError(LocalisedError):
    """A file is not a report of this kit."""


def report_of(run: Run) -> dict[str, Any]:
    """The document of a run. A pass or omission has a summary; any other result also findings, exchanges and remedy."""
    return {
        "role": run.role,
        "target": run.target,
        "profile": run.profile,
        "versions": asdict(run.versions),
        "seed": run.seed,
        "began": run.began,
        "milliseconds": run.milliseconds,
        "conforms": run.conforms,
        "totals": {outcome.value: number for outcome, number in run.totals().items()},
        "announced": run.announced,
        "results": [_result(result) for result in run.results],
    }


def read_report(body: Any) -> Report:
    """A document read back, checked against the schema. Raises ReportError."""
    failure = next(schemas.validator("conformance-report").iter_errors(body), None)
    if failure is not None:
        pointer = "".join(f"/{step}" for step in failure.absolute_path)
        broken = {"keyword": failure.validator, "asked": render_value(failure.validator_value)}
        raise ReportError(say("schema-broken", location=pointer or say("the-whole"), **broken))
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
        body["exchanges"] = [asdict(exchange) for exchange in result.exchanges]
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


def by_family(report: Report) -> Mapping[str, list[Any]]:
    """The results, grouped by the family of their case."""
    families: dict[str, list[Any]] = defaultdict(list)
    for result in report["results"]:
        families[result["case"].partition("/")[0]].append(result)
    return families


def repeat_command(report: Report, case: str) -> str:
    """The command that repeats one case with the same seed; for a judged file, which has no seed, the whole file."""
    if not report["seed"]:
        return f"passerelle-conformance judge {shlex.quote(report['target'])}"
    return f"passerelle-conformance run --case {case} --seed {report['seed']}"


EVIDENCE = "urn:fr:stages:conformance-evidence:1"


def evidence_of(report: Report, *, platform: str, played: Iterable[Case]) -> dict[str, Any]:
    """The document that ``certify`` writes. ``cases`` is a digest of the ids of all cases of the role; it reveals
    a case left out.
    """
    body = {
        "evidence": EVIDENCE,
        "platform": platform,
        "role": report["role"],
        "profile": report["profile"],
        "conforms": report["conforms"],
        "cases": digest_of(sorted(case.id for case in played)),
        "report": dict(report),
    }
    return {**body, "digest": digest_of(body)}


def check_evidence(evidence: Any) -> list[Texts]:
    """Defects of evidence, for its writer; empty when it is complete. A gateway that signs it makes checks of its
    own.
    """
    if not isinstance(evidence, dict) or evidence.get("evidence") != EVIDENCE:
        return [say("no-evidence")]
    body = {name: value for name, value in evidence.items() if name != "digest"}
    found = [] if evidence.get("digest") == digest_of(body) else [say("digest-wrong")]
    report = evidence.get("report")
    if not isinstance(report, dict):
        return [*found, say("no-report-in-evidence")]
    played = digest_of(sorted(result["case"] for result in report["results"]))
    if evidence.get("cases") != played:
        found.append(say("cases-left-out"))
    if not evidence.get("conforms") or not report.get("conforms"):
        found.append(say("run-not-conforming"))
    return found


def digest_of(value: Any) -> str:
    """SHA-256 of the RFC 8785 form. Sorted keys suffice here: names are ASCII, and numbers have no fractions."""
    return "sha256:" + hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
