"""Evidence for a certificate is accepted, or refused with all findings."""

from typing import Any

import pytest

import schemas
from conformance.model.library import cases
from conformance.model.result import Outcome, Result, Run
from conformance.report.document import evidence_of, report_of
from conformance.role.runner import VERSIONS as KIT_VERSIONS
from gateway.protocol.certificate import ROLES, EvidenceVersions, Profile, Role
from gateway.protocol.evidence import FAMILIES, Evidence, judge_evidence
from gateway.protocol.record import utc
from tests.protocol.certified import DAY, NOW, VERSIONS, digest, evidence, report, result


def findings(document: object, *, platform: str = "bretagne", now: int = NOW) -> str:
    judged = judge_evidence(document, platform=platform, now=now)
    assert isinstance(judged, tuple), judged
    return " ".join(judged)


def spoilt(document: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Changed after its digest was made."""
    return {**document, **more}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("profile", ["full", "core"])
def test_a_whole_run_without_a_failure_is_good_enough(role: Role, profile: Profile) -> None:
    """CER-004"""
    document = evidence(report(role, profile=profile))
    judged = judge_evidence(document, platform="bretagne", now=NOW)
    expected = Evidence(role=role, profile=profile, versions=EvidenceVersions(**VERSIONS), digest=document["digest"])
    assert expected == judged


@pytest.mark.parametrize("role", ROLES)
def test_reports_of_the_kit_are_read_unchanged(role: Role) -> None:
    """CER-004: the kit's own evidence of all its cases, unchanged; and the same families."""
    played = [case for case in cases() if role in case.roles]
    assert FAMILIES[role] == {case.family for case in played}
    run = Run(
        role=role,
        target="https://stages.example",
        profile="full",
        versions=KIT_VERSIONS,
        seed="ab12",
        began=utc(NOW - 3_600_000),
        milliseconds=60_000,
        results=tuple(Result(case=case, outcome=Outcome.PASS) for case in played),
    )
    document = evidence_of(report_of(run), platform="bretagne", played=played)
    schemas.validator("conformance-evidence").validate(document)
    judged = judge_evidence(document, platform="bretagne", now=NOW)
    assert isinstance(judged, Evidence), judged
    assert digest({name: value for name, value in document.items() if name != "digest"}) == judged.digest


@pytest.mark.parametrize("document", [None, 7, [], {}, {"evidence": "x"}, {**evidence(), "report": [[]]}])
def test_a_document_that_is_no_evidence_is_refused_as_such(document: object) -> None:
    """CER-004: nothing raises."""
    assert "passerelle-conformance certify" in findings(document) or "at /report" in findings(document)


def test_excessive_nesting_is_no_evidence() -> None:
    """CER-004"""
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    assert "It is no evidence" in findings({**evidence(), "role": deep})


def test_a_change_after_the_digest_is_detected() -> None:
    """CER-004"""
    assert "digest does not match" in findings(spoilt(evidence(), platform="normandie"), platform="normandie")
    failed = evidence(report(conforms=False, results=[*report()["results"], result("publisher/three", "fail")]))
    healed = spoilt(failed, report=report())
    assert "digest does not match" in findings(healed)


def test_omitted_and_repeated_cases_are_detected() -> None:
    """CER-004: also under a digest that fits."""
    whole = evidence()
    fewer = report(results=report()["results"][1:])
    assert "Cases are missing" in findings(evidence(fewer, cases=whole["cases"]))
    twice = report(results=[*report()["results"], result("publisher/one")])
    assert "missing or repeated" in findings(evidence(twice))


def test_it_is_of_the_platform_that_is_certified() -> None:
    """CER-004: an address instead of a slug proves nothing, so the operator names the platform."""
    assert "about bretagne, not normandie" in findings(evidence(), platform="normandie")
    judged = judge_evidence(evidence(platform="https://stages.example"), platform="normandie", now=NOW)
    assert isinstance(judged, Evidence)


def test_the_national_site_and_parts_of_a_profile_are_not_certified() -> None:
    """CER-004"""
    assert "role national is not certified" in findings(evidence(report() | {"role": "national"}))
    assert "profile file" in findings(evidence(report(profile="file")))


def test_members_outside_the_report_must_agree_with_it() -> None:
    """CER-004"""
    changes: tuple[dict[str, Any], ...] = ({"role": "subscriber"}, {"profile": "core"}, {"conforms": False})
    for change in changes:
        assert "contradicts the report" in findings(evidence(**change))


@pytest.mark.parametrize("outcome", ["fail", "skip", "error", "config-error"])
def test_one_case_that_is_not_passed_is_enough_to_refuse(outcome: str) -> None:
    """CER-004: whatever ``conforms`` says."""
    content = report(results=[*report()["results"], result("publisher/three", outcome)])
    assert "Not passed: publisher/three." in findings(evidence(content))


def test_announced_failures_are_failures() -> None:
    """CER-004"""
    announced = result("publisher/three", "fail", announced=True)
    assert "announced failures" in findings(evidence(report(results=[*report()["results"], announced])))
    assert "announced failures" in findings(evidence(report(announced=1)))


def test_a_run_that_does_not_conform_is_refused_whatever_its_results() -> None:
    """CER-004"""
    assert "does not conform" in findings(evidence(report(conforms=False)))


def test_every_family_of_the_role_must_have_been_played_and_passed() -> None:
    """CER-004: cases omitted for an unsupported feature suffice in the core profile only."""
    content = [one for one in report("gateway")["results"] if not one["case"].startswith("feed/")]
    assert "the families feed:" in findings(evidence(report("gateway", results=content)))
    omitted = [*content, result("feed/one", "omit")]
    assert "the families feed:" in findings(evidence(report("gateway", results=omitted)))
    core = judge_evidence(evidence(report("gateway", profile="core", results=omitted)), platform="bretagne", now=NOW)
    assert isinstance(core, Evidence)
    spared = [
        one | {"outcome": "omit"} if one["case"].startswith("crash/") else one for one in report("gateway")["results"]
    ]
    assert isinstance(
        judge_evidence(evidence(report("gateway", results=spared)), platform="bretagne", now=NOW), Evidence
    )
    nothing = [one | {"outcome": "omit"} for one in report()["results"]]
    assert "Not one case passed" in findings(evidence(report(profile="core", results=nothing)))


def test_a_run_is_valid_for_thirty_days_and_must_be_in_the_past() -> None:
    """CER-004"""
    ended = NOW - 3_600_000 + 60_000
    assert isinstance(judge_evidence(evidence(), platform="bretagne", now=ended + 30 * DAY), Evidence)
    assert "older than 30 days" in findings(evidence(), now=ended + 30 * DAY + 1)
    assert isinstance(judge_evidence(evidence(), platform="bretagne", now=ended - 300_000), Evidence)
    assert "written in the future" in findings(evidence(), now=ended - 300_001)


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ({"protocol": "2"}, "about protocol 2"),
        ({"schema": "2.0"}, "about schema 2.0"),
        ({"schema": "1.999"}, "about schema 1.999"),
        ({"schema": "1"}, "about schema 1,"),
        ({"rules": "2020.01"}, "about rules 2020.01"),
        ({"kit": "a b"}, "Its versions cannot be read"),
        ({"kit": ""}, "Its versions cannot be read"),
    ],
)
def test_it_is_about_the_versions_in_force(versions: dict[str, str], said: str) -> None:
    """CER-004"""
    assert said in findings(evidence(report(versions={**VERSIONS, **versions})))


def test_everything_wrong_is_reported_at_once() -> None:
    """CER-004"""
    content = report(
        versions={**VERSIONS, "rules": "2020.01"}, results=[*report()["results"], result("publisher/x", "skip")]
    )
    said = findings(evidence(content), platform="normandie", now=NOW + 60 * DAY)
    assert 4 == sum(part in said for part in ("rules 2020.01", "publisher/x", "not normandie", "older than 30 days"))
