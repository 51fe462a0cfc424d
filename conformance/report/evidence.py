"""Evidence for a certificate: the report of a complete run with its digest, which the operator checks and signs."""

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

from conformance.model.case import Case
from conformance.report.document import Report
from conformance.words import Texts, say

KIND = "urn:fr:stages:conformance-evidence:1"


def evidence_of(report: Report, *, platform: str, played: Iterable[Case]) -> dict[str, Any]:
    """The document that ``certify`` writes. ``cases`` is a digest of the ids of all cases of the role; it reveals
    a case left out.
    """
    body = {
        "evidence": KIND,
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
    if not isinstance(evidence, dict) or evidence.get("evidence") != KIND:
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
