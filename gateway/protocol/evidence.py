"""Evidence: the output of the conformance kit's ``certify``, and whether it suffices for a certificate. Pure.

Evidence comes from the partner itself: its digest shows that nothing was changed by accident, not its author. So no
conclusion is accepted without the results that it follows from, and with the seed the operator can run the same cases.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

import schemas
from gateway.protocol import PROTOCOL_VERSION
from gateway.protocol.certificate import PROFILES, ROLES, EvidenceVersions, Profile, Role
from gateway.protocol.identity import is_slug
from gateway.protocol.record import read_utc
from schemas.decode import find_too_deep
from schemas.rulebook import displayed

KIND = "urn:fr:stages:conformance-evidence:1"
MAX_AGE_DAYS = 30
FAMILIES: Mapping[Role, frozenset[str]] = {
    "publisher": frozenset({"publisher", "watched"}),
    "subscriber": frozenset({"subscriber"}),
    "gateway": frozenset(
        (  # noqa: SIM905  # twenty-six lines would add nothing
            "batch crash discovery document employer error extras feature feed fields identity limits link national "
            "order place publish receipt repeat routing schedule security snapshot text time withdrawal"
        ).split()
    ),
}
"""The kit's families of cases for each role: every one must have been run."""
SPARED: frozenset[str] = frozenset({"crash", "feature"})
"""Families in which a conforming target may pass no case: it cannot be restarted, or lacks no feature."""

_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,40}")
_DAY_MS = 24 * 3_600_000
_SKEW_MS = 300_000
_BLOCKING = ("fail", "skip", "error", "config-error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Checked evidence, which suffices for a certificate."""

    role: Role
    profile: Profile
    versions: EvidenceVersions
    digest: str


def judge_evidence(document: object, *, platform: str, now: int) -> Evidence | tuple[str, ...]:
    """The evidence of this platform; or all its faults, one sentence each with the remedy."""
    if not isinstance(document, dict) or document.get("evidence") != KIND or find_too_deep(document):
        return ("It is no evidence: passerelle-conformance certify FILE writes it.",)
    failure = next(schemas.validator("conformance-evidence").iter_errors(document), None)
    if failure is not None:
        pointer = displayed("".join(f"/{step}" for step in failure.absolute_path))
        return (f"It is not as the schema conformance-evidence has it, at {pointer or 'its top'}: run certify again.",)
    report: Mapping[str, Any] = document["report"]
    findings = [
        *_wholeness(document, report),
        *_subject(document, report, platform),
        *_outcomes(report),
        *_coverage(report),
        *_age(report, now),
        *_versions(report["versions"]),
    ]
    if findings:
        return tuple(findings)
    return Evidence(
        role=report["role"],
        profile=report["profile"],
        versions=EvidenceVersions(**report["versions"]),
        digest=document["digest"],
    )


def digest_of(value: object) -> str:
    """The digest as the kit writes it: SHA-256 of the JSON with its names sorted, which here is its RFC 8785 form."""
    return "sha256:" + hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _wholeness(document: Mapping[str, Any], report: Mapping[str, Any]) -> Iterator[str]:
    body = {name: value for name, value in document.items() if name != "digest"}
    if document["digest"] != digest_of(body):
        yield "Its digest does not match: it was changed after it was written. Send the file as certify wrote it."
    cases = sorted(result["case"] for result in report["results"])
    if len(set(cases)) < len(cases) or document["cases"] != digest_of(cases):
        yield "Cases are missing or repeated: run certify, which runs each case once."


def _subject(document: Mapping[str, Any], report: Mapping[str, Any], platform: str) -> Iterator[str]:
    named = document["platform"]
    # A platform without an account at the target is named by its address, which proves nothing.
    if is_slug(named) and named != platform:
        yield f"It is about {named}, not {platform}: name the platform it is about."
    if report["role"] not in ROLES:
        yield f"The role {report['role']} is not certified: {', '.join(ROLES)} are."
    if report["profile"] not in PROFILES:
        yield f"A run of the profile {displayed(report['profile'])} is only a part of one: run certify."
    if any(document[name] != report[name] for name in ("role", "profile", "conforms")):
        yield "It contradicts the report in it: send the file as certify wrote it."


def _outcomes(report: Mapping[str, Any]) -> Iterator[str]:
    if report["announced"] or any(result.get("announced") for result in report["results"]):
        yield "It has announced failures: correct them, take them out of conformance.toml, and run certify again."
    blocking = [result["case"] for result in report["results"] if result["outcome"] in _BLOCKING]
    if blocking:
        more = f" and {len(blocking) - 3} more" if len(blocking) > 3 else ""
        yield f"Not passed: {', '.join(map(displayed, blocking[:3]))}{more}. Correct them, and run certify again."
    elif not report["conforms"]:
        yield "The run does not conform: run certify again, to its end."


def _coverage(report: Mapping[str, Any]) -> Iterator[str]:
    """Every family of the role was run; in the full profile, each has a passed case, except ``SPARED``."""
    wanted = FAMILIES.get(report["role"], frozenset())
    covered, passed = set(), set()
    for result in report["results"]:
        family = result["case"].partition("/")[0]
        covered.add(family)
        if result["outcome"] == "pass":
            passed.add(family)
    missing = wanted - covered
    if report["profile"] == "full":
        missing |= wanted - passed - SPARED
    if missing:
        yield f"No result covers the families {', '.join(sorted(missing))}: run certify with the kit of this version."
    elif not passed:
        yield "Not one case passed: there is nothing to certify."


def _age(report: Mapping[str, Any], now: int) -> Iterator[str]:
    ended = read_utc(report["began"]) + report["milliseconds"]
    if ended > now + _SKEW_MS:
        yield "It was written in the future: correct the clock of the machine that ran certify, and run it again."
    elif ended < now - MAX_AGE_DAYS * _DAY_MS:
        yield f"It is older than {MAX_AGE_DAYS} days: run certify again."


def _versions(found: Mapping[str, str]) -> Iterator[str]:
    """Protocol and rules must be this gateway's; the schema must have its first number and no later second one."""
    step = "run certify with the kit of this version"
    if not all(map(_VERSION.fullmatch, found.values())):
        yield f"Its versions cannot be read: {step}."
        return
    if found["protocol"] != PROTOCOL_VERSION:
        yield f"It is about protocol {found['protocol']}, and this gateway implements {PROTOCOL_VERSION}: {step}."
    if not _compatible(found["schema"], schemas.SCHEMA_VERSION):
        yield f"It is about schema {found['schema']}, and this gateway has {schemas.SCHEMA_VERSION}: {step}."
    if found["rules"] != schemas.RULES_VERSION:
        yield f"It is about rules {found['rules']}, and this gateway has {schemas.RULES_VERSION}: {step}."


def _compatible(found: str, here: str) -> bool:
    """Additions raise the second number: a target that passed with fewer additions does not break later ones."""
    first, _, second = found.partition(".")
    here_first, _, here_second = here.partition(".")
    return first == here_first and second.isdecimal() and int(second) <= int(here_second)
