"""Valid certificates and evidence, which a test then corrupts. Digests are made by the standard library alone."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import schemas
from gateway.protocol.certificate import Certificate, EvidenceVersions, Issued, Nonce, Role
from gateway.protocol.record import utc
from schemas.kit_cases import kit_cases, kit_version, seed_of

NOW = 1_796_000_000_000
"""2026-11-30, on a whole second."""
DAY = 24 * 3_600_000
VERSIONS = {"kit": kit_version(), "protocol": "1", "schema": schemas.SCHEMA_VERSION, "rules": schemas.RULES_VERSION}


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


NONCE = "nonce-of-a-test-0123"


def nonce(**more: Any) -> Nonce:
    """The nonce of ``NONCE``, issued two hours before ``NOW`` for 30 days."""
    return Nonce(**{"text": NONCE, "issued_at": NOW - 7_200_000, "expires_at": NOW + 30 * DAY, **more})


def report(
    role: Role = "publisher", *, off: Collection[str] = (), platform: str = "bretagne", **more: Any
) -> dict[str, Any]:
    """A run of each case of the kit, all passed that are required, that ended an hour before ``NOW``."""
    results = [
        result(case, "omit" if known.is_omitted(off) else "pass") for case, known in sorted(kit_cases(role).items())
    ]
    content = {
        "role": role,
        "target": "https://stages.example",
        "profile": "core" if off else "full",
        "versions": VERSIONS,
        "seed": seed_of(NONCE, platform=platform, role=role),
        "began": utc(NOW - 3_600_000),
        "milliseconds": 60_000,
        "conforms": True,
        "announced": 0,
        "results": results,
        **more,
    }
    outcomes = Counter(one["outcome"] for one in content["results"] if not one.get("announced"))
    return {"totals": dict(outcomes), **content}


def replaced(content: Mapping[str, Any], case: str, outcome: str, **more: Any) -> list[dict[str, Any]]:
    """The results of a report with another one for one case."""
    return [result(case, outcome, **more) if one["case"] == case else one for one in content["results"]]


def result(case: str, outcome: str = "pass", **more: Any) -> dict[str, Any]:
    """The result of a case."""
    title = {"fr": "x", "en": "x"}
    return {"case": case, "requirements": ["PUB-001"], "title": title, "outcome": outcome, "milliseconds": 5, **more}


def evidence(content: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Complete evidence of a report, with the test's changes covered by its digest."""
    content = report() if content is None else content
    body = {
        "evidence": "urn:fr:stages:conformance-evidence:2",
        "platform": "bretagne",
        "role": content["role"],
        "profile": content["profile"],
        "nonce": NONCE,
        "off": [],
        "used": [],
        "conforms": content["conforms"],
        "cases": sorted(kit_cases(str(content["role"]))),
        "report": dict(content),
        **more,
    }
    return {**body, "digest": digest(body)}


def digest(value: Any) -> str:
    """SHA-256 of the JSON with sorted names and no blanks."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
