"""Valid certificates and evidence, which a test then corrupts. Digests are made by the standard library alone."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import schemas
from gateway.protocol.certificate import Certificate, EvidenceVersions, Issued, Role
from gateway.protocol.evidence import FAMILIES
from gateway.protocol.record import utc

NOW = 1_796_000_000_000
"""2026-11-30, on a whole second."""
DAY = 24 * 3_600_000
VERSIONS = {"kit": "0.1.0", "protocol": "1", "schema": schemas.SCHEMA_VERSION, "rules": schemas.RULES_VERSION}


def certificate(**more: Any) -> Certificate:
    """A certificate of Bretagne as a publisher, for 100 days from ``NOW``."""
    wishes = {
        "id": "0123456789abcdef" * 2,
        "issuer": "https://passerelle.example",
        "platform": "bretagne",
        "role": "publisher",
        "profile": "full",
        "versions": EvidenceVersions(**VERSIONS),
        "evidence": f"sha256:{'0f' * 32}",
        "issued_at": NOW,
        "expires_at": NOW + 100 * DAY,
    }
    return Certificate(**{**wishes, **more})


def issued(**more: Any) -> Issued:
    """The same as stored; the signature is not checked here."""
    return Issued(certificate(**more), "aaa.bbb.ccc")


def report(role: Role = "publisher", **more: Any) -> dict[str, Any]:
    """A run of two cases of each family, all passed, that ended an hour before ``NOW``."""
    families = sorted(FAMILIES[role])
    results = [result(f"{family}/{name}") for family in families for name in ("one", "two")]
    return {
        "role": role,
        "target": "https://stages.example",
        "profile": "full",
        "versions": VERSIONS,
        "seed": "ab12",
        "began": utc(NOW - 3_600_000),
        "milliseconds": 60_000,
        "conforms": True,
        "totals": {"pass": len(results)},
        "announced": 0,
        "results": results,
        **more,
    }


def result(case: str, outcome: str = "pass", **more: Any) -> dict[str, Any]:
    """The result of a case."""
    title = {"fr": "x", "en": "x"}
    return {"case": case, "requirements": ["PUB-001"], "title": title, "outcome": outcome, "milliseconds": 5, **more}


def evidence(content: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Complete evidence of a report, with the test's changes covered by its digest."""
    content = report() if content is None else content
    body = {
        "evidence": "urn:fr:stages:conformance-evidence:1",
        "platform": "bretagne",
        "role": content["role"],
        "profile": content["profile"],
        "conforms": content["conforms"],
        "cases": digest(sorted(one["case"] for one in content["results"])),
        "report": dict(content),
        **more,
    }
    return {**body, "digest": digest(body)}


def digest(value: Any) -> str:
    """SHA-256 of the JSON with sorted names and no blanks."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
