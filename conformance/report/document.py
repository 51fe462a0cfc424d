"""Report as a JSON document (schema ``conformance-report``), the source of every other format, and evidence: the
report of a complete run with its digest, which the operator checks and signs.
"""

import hashlib
import shlex
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any, TypeAlias

import orjson

import schemas
from conformance.model.case import Case
from conformance.model.cause import FAMILY
from conformance.model.result import Deviation, Outcome, Result, Run
from conformance.report.label import is_judged
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
        **({} if run.reference is None else {"reference": run.reference}),
    }


def read_report(body: Any) -> Report:
    """A document read back, checked against the schema. Raises ReportError."""
    failure = next(schemas.validator("conformance-report").iter_errors(body), None)
    if failure is not None:
        pointer = "".join(f"/{step}" for step in failure.absolute_path)
        broken = {"keyword": failure.validator, "value": render_value(failure.validator_value)}
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


def _finding(finding: Deviation) -> dict[str, Any]:
    """A finding in English, compatible with readers of earlier reports, and in French under ``fr``."""
    texts = {"place": finding.location, "expected": finding.expected, "actual": finding.actual}
    english: dict[str, Any] = {name: text["en"] for name, text in texts.items()}
    return {**english, "fr": {name: text["fr"] for name, text in texts.items()}}


def text_of(finding: Mapping[str, Any], name: str) -> Texts:
    """One of a finding's texts: ``place``, ``expected`` or ``actual``."""
    return {"fr": finding.get("fr", finding)[name], "en": finding[name]}


def lines_of(result: Mapping[str, Any], language: Language) -> list[str]:
    """A result's findings, one line each, then its reason."""
    lines = [_line(finding, judged=is_judged(result["case"]))[language] for finding in result.get("findings", ())]
    return [*lines, result["reason"][language]] if "reason" in result else lines


def _line(finding: Mapping[str, Any], *, judged: bool) -> Texts:
    location, expected, actual = (text_of(finding, name) for name in ("place", "expected", "actual"))
    if judged:
        return say("judged-line", location=location, problem=actual, remedy=expected)
    return say("finding-line", location=location, expected=expected, actual=actual)


def by_family(report: Report) -> Mapping[str, list[Any]]:
    """The results, grouped by the family of their case."""
    families: dict[str, list[Any]] = defaultdict(list)
    for result in report["results"]:
        families[result["case"].partition("/")[0]].append(result)
    return families


def repeat_command(report: Report, case: str) -> str:
    """The command that repeats one case with the same seed; for a judged file, which has no seed, the whole file, and
    for the cause of all failures the whole run, or the examination of the set-up.
    """
    if not report["seed"]:
        return f"passerelle-conformance judge {shlex.quote(report['target'])}"
    if case.startswith(f"{FAMILY}/"):
        wrong = any(each["case"] == case and each["outcome"] == Outcome.CONFIG_ERROR for each in report["results"])
        return "passerelle-conformance doctor" if wrong else f"passerelle-conformance run --seed {report['seed']}"
    return f"passerelle-conformance run --case {case} --seed {report['seed']}"


def explain_command(case: str) -> str:
    """The command that prints the case's steps as curl commands."""
    return f"passerelle-conformance explain {case}"


EVIDENCE = "urn:fr:stages:conformance-evidence:2"
_FREE = frozenset({"idempotency"})
"""Features that one request may have and the next not have: an Idempotency-Key MAY accompany any POST (PUB-040)."""


def evidence_of(
    report: Report,
    *,
    platform: str,
    nonce: str,
    played: Iterable[Case],
    off: Iterable[str] = (),
    used: Iterable[str] = (),
) -> dict[str, Any]:
    """The document that ``certify`` writes. ``played`` are all cases of the role; ``off`` the features that the set-up
    declares absent, to which those are added that the run found absent; ``used`` those that the platform was seen to
    use. A feature that is free for each request is not used where no case met it, although some request had it.
    """
    cases, declared = list(played), set(off)
    absent = _found_absent(report, cases, declared)
    seen = set(used) - (absent & _FREE)
    body = {
        "evidence": EVIDENCE,
        "platform": platform,
        "role": report["role"],
        "profile": report["profile"],
        "nonce": nonce,
        "off": sorted(declared | (absent - seen)),
        "used": sorted(seen),
        "conforms": report["conforms"],
        "cases": sorted(case.id for case in cases),
        "report": dict(report),
    }
    return {**body, "digest": digest_of(body)}


def _found_absent(report: Report, played: Iterable[Case], declared: Collection[str]) -> set[str]:
    """The features of which each case was omitted, although the set-up does not declare them absent."""
    omitted = {result["case"] for result in report["results"] if result["outcome"] == Outcome.OMIT}
    required = [case for case in played if not case.unsupported and not set(case.features) & set(declared)]
    needed = {feature for case in required if case.id not in omitted for feature in case.features}
    return {feature for case in required if case.id in omitted for feature in case.features} - needed


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
    if not evidence.get("conforms") or not report.get("conforms"):
        return [*found, say("run-not-conforming")]
    if evidence.get("cases") != sorted(result["case"] for result in report["results"]):
        found.append(say("cases-left-out"))
    needed = set(evidence["off"]) - _SPARED.get(report["role"], frozenset())
    if report["profile"] == "full" and needed:
        found.append(say("full-without", features=", ".join(sorted(needed))))
    used = set(evidence["off"]) & set(evidence["used"])
    if used:
        found.append(say("features-used", features=", ".join(sorted(used))))
    return found


_SPARED: Mapping[str, frozenset[str]] = {
    "gateway": frozenset({"restart", "topics"}),
    "publisher": frozenset({"snapshots", "idempotency"}),
    "subscriber": frozenset({"push"}),
}
"""Features that the full profile does not demand: a gateway may have no Kafka, a publisher sends one by one, in batches
or in snapshots, a subscriber need not receive pushes.
"""


def digest_of(value: Any) -> str:
    """SHA-256 of the RFC 8785 form. Sorted keys suffice here: names are ASCII, and numbers have no fractions."""
    return "sha256:" + hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
