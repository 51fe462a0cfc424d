"""Evidence: the output of the conformance kit's ``certify``, and whether it suffices for a certificate. Pure.

Evidence comes from the partner itself: its digest shows that nothing was changed by accident, not its author. So no
conclusion is accepted without the results that it follows from: each case of the kit's version has its result, and one
that was not required names a feature that is declared absent. A nonce of this gateway binds it to one platform and to a
run after the nonce was issued; with the seed, which follows from the nonce, the operator can run the same cases.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

import schemas
from gateway.protocol import PROTOCOL_VERSION
from gateway.protocol.certificate import PROFILES, ROLES, EvidenceVersions, Nonce, Profile, Role
from gateway.protocol.identity import is_slug
from gateway.protocol.record import read_utc
from schemas.decode import find_too_deep
from schemas.kit_cases import features_of, kit_cases, kit_version, seed_of
from schemas.rulebook import displayed
from schemas.texts import Texts, fill, load_texts

KIND = "urn:fr:stages:conformance-evidence:2"
FORMER_KINDS = ("urn:fr:stages:conformance-evidence:1",)
MAX_AGE_DAYS = 30
SPARED: Mapping[str, frozenset[str]] = {
    "gateway": frozenset({"restart", "topics"}),
    "publisher": frozenset({"snapshots", "idempotency"}),
    "subscriber": frozenset({"push"}),
}
"""Features that the full profile does not demand: a gateway may be one that the kit cannot restart, or have no Kafka; a
publisher sends one by one, in batches or in snapshots; a subscriber reads the feed and need not receive pushes.
"""

_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,40}")
_DAY_MS = 24 * 3_600_000
_SKEW_MS = 300_000
_BLOCKING = ("fail", "skip", "error", "config-error")
_MAX_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Checked evidence, which suffices for a certificate."""

    role: Role
    profile: Profile
    versions: EvidenceVersions
    digest: str
    nonce: str


def judge_evidence(
    document: object, *, platform: str, nonces: Sequence[Nonce], now: int, used: Collection[str] = ()
) -> Evidence | tuple[Texts, ...]:
    """The evidence of this platform, to which ``nonces`` were issued and which was seen here to use the features
    ``used``; or all its faults, one sentence each with the remedy.
    """
    if not isinstance(document, dict) or find_too_deep(document):
        return (_say("no-evidence"),)
    if document.get("evidence") != KIND:
        former = document.get("evidence") in FORMER_KINDS
        return (_say("former-kit", here=kit_version()) if former else _say("no-evidence"),)
    failure = next(schemas.validator("conformance-evidence").iter_errors(document), None)
    if failure is not None:
        pointer = displayed("".join(f"/{step}" for step in failure.absolute_path))
        return (_say("not-as-schema", pointer=pointer or "/"),)
    report: Mapping[str, Any] = document["report"]
    findings = [
        *_wholeness(document, report),
        *_subject(document, report, platform),
        *_nonce(document, report, platform, nonces, now),
        *_outcomes(report),
        *_cases(document, report),
        *_features(document, report, used),
        *_age(report, now),
        *_versions(report["versions"], _in_force(document, nonces)),
    ]
    if findings:
        return tuple(findings)
    return Evidence(
        role=report["role"],
        profile=report["profile"],
        versions=EvidenceVersions(**report["versions"]),
        digest=document["digest"],
        nonce=document["nonce"],
    )


def digest_of(value: object) -> str:
    """The digest as the kit writes it: SHA-256 of the JSON with its names sorted, which here is its RFC 8785 form."""
    return "sha256:" + hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _say(code: str, **values: object) -> Texts:
    return fill(load_texts(__package__.rpartition(".")[0], "words.json")["evidence"][code], values)


def _named(cases: Collection[str]) -> str:
    """The first cases of several, and the number of the others."""
    first = ", ".join(displayed(case) for case in sorted(cases)[:_MAX_NAMED])
    return first if len(cases) <= _MAX_NAMED else f"{first} (+{len(cases) - _MAX_NAMED})"


def _wholeness(document: Mapping[str, Any], report: Mapping[str, Any]) -> Iterator[Texts]:
    body = {name: value for name, value in document.items() if name != "digest"}
    if document["digest"] != digest_of(body):
        yield _say("digest")
    counted: dict[str, int] = {}
    for result in report["results"]:
        if not result.get("announced"):
            counted[result["outcome"]] = counted.get(result["outcome"], 0) + 1
    if counted != {name: number for name, number in report["totals"].items() if number}:
        yield _say("totals")


def _subject(document: Mapping[str, Any], report: Mapping[str, Any], platform: str) -> Iterator[Texts]:
    named = document["platform"]
    # A platform without an account at the target is named by its address, which proves nothing.
    if is_slug(named) and named != platform:
        yield _say("other-platform", named=named, platform=platform)
    if report["role"] not in ROLES:
        yield _say("role", role=report["role"], roles=", ".join(ROLES))
    if report["profile"] not in PROFILES:
        yield _say("profile", profile=displayed(report["profile"]))
    if any(document[name] != report[name] for name in ("role", "profile", "conforms")):
        yield _say("contradiction")


def _nonce(
    document: Mapping[str, Any], report: Mapping[str, Any], platform: str, nonces: Sequence[Nonce], now: int
) -> Iterator[Texts]:
    """The nonce was issued to this platform before the run, is open, and determined the seed of the run."""
    nonce = next((one for one in nonces if one.text == document["nonce"]), None)
    if nonce is None:
        yield _say("nonce-unknown", platform=platform)
        return
    if nonce.used_at is not None:
        yield _say("nonce-used", platform=platform)
    elif nonce.expires_at <= now:
        yield _say("nonce-expired", platform=platform)
    if read_utc(report["began"]) < nonce.issued_at - _SKEW_MS:
        yield _say("run-before-nonce")
    if report["seed"] != seed_of(nonce.text, platform=document["platform"], role=report["role"]):
        yield _say("seed")


def _outcomes(report: Mapping[str, Any]) -> Iterator[Texts]:
    if report["announced"] or any(result.get("announced") for result in report["results"]):
        yield _say("announced")
    blocking = [result["case"] for result in report["results"] if result["outcome"] in _BLOCKING]
    if blocking:
        yield _say("not-passed", cases=_named(blocking))
    elif not report["conforms"]:
        yield _say("not-conforming")
    elif all(result["outcome"] != "pass" for result in report["results"]):
        yield _say("none-passed")


def _cases(document: Mapping[str, Any], report: Mapping[str, Any]) -> Iterator[Texts]:
    """Each case of the role in the kit's version has one result, and was omitted exactly where it is not required; one
    for some targets or days only, on this side's word.
    """
    if report["versions"]["kit"] != kit_version():
        return  # said of the versions
    known = kit_cases(report["role"])
    played = [result["case"] for result in report["results"]]
    missing = known.keys() - set(played)
    unknown = set(played) - known.keys()
    if missing or sorted(document["cases"]) != sorted(known):
        yield _say("left-out", cases=_named(missing or known.keys() ^ set(document["cases"])))
    if unknown:
        yield _say("unknown-cases", cases=_named(unknown))
    if len(set(played)) < len(played):
        yield _say("repeated")
    off = set(document["off"])
    omitted = {result["case"] for result in report["results"] if result["outcome"] == "omit"} & known.keys()
    due = {case for case in known if known[case].is_omitted(off)}
    if undue := {case for case in omitted - due if not known[case].situational}:
        yield _say("omitted", cases=_named(undue))
    if (due & set(played)) - omitted:
        yield _say("not-omitted", cases=_named((due & set(played)) - omitted))


def _features(document: Mapping[str, Any], report: Mapping[str, Any], used: Collection[str]) -> Iterator[Texts]:
    """No feature is declared absent that the kit, or as a publisher this gateway, saw the platform use."""
    off = set(document["off"])
    seen = off & {*document["used"], *(used if report["role"] == "publisher" else ())}
    if off - features_of(report["role"]):
        yield _say("feature-unknown", features=_named(off - features_of(report["role"])))
    demanded = off - SPARED.get(report["role"], frozenset())
    if report["profile"] == "full" and demanded:
        yield _say("feature-in-full", features=_named(demanded))
    if seen:
        yield _say("feature-used", features=_named(seen))


def _age(report: Mapping[str, Any], now: int) -> Iterator[Texts]:
    ended = read_utc(report["began"]) + report["milliseconds"]
    if ended > now + _SKEW_MS:
        yield _say("future")
    elif ended < now - MAX_AGE_DAYS * _DAY_MS:
        yield _say("old", days=MAX_AGE_DAYS)


def _in_force(document: Mapping[str, Any], nonces: Sequence[Nonce]) -> Collection[str]:
    """The rules in force between the issue of the evidence's nonce and now: those of a run in between."""
    issued = {one.release for one in nonces if one.text == document["nonce"] and one.release is not None}
    return {schemas.RULES_VERSION, *(release.partition("-")[2] for release in issued)}


def _versions(found: Mapping[str, str], rules: Collection[str]) -> Iterator[Texts]:
    """Kit and protocol must be this gateway's; the rules must have been in force at the time of the run; the schema
    must have this gateway's first number and no later second one.
    """
    if not all(map(_VERSION.fullmatch, found.values())):
        yield _say("versions-unreadable")
        return
    if found["kit"] != kit_version():
        yield _say("other-kit", found=found["kit"], here=kit_version())
    if found["protocol"] != PROTOCOL_VERSION:
        yield _say("other-protocol", found=found["protocol"], here=PROTOCOL_VERSION)
    if not _compatible(found["schema"], schemas.SCHEMA_VERSION):
        yield _say("other-schema", found=found["schema"], here=schemas.SCHEMA_VERSION)
    if found["rules"] not in rules:
        yield _say("other-rules", found=found["rules"], here=schemas.RULES_VERSION)


def _compatible(found: str, here: str) -> bool:
    """Additions raise the second number: a target that passed with fewer additions does not break later ones."""
    first, _, second = found.partition(".")
    here_first, _, here_second = here.partition(".")
    return first == here_first and second.isdecimal() and int(second) <= int(here_second)
