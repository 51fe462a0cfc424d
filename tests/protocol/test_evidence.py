"""Evidence for a certificate is accepted, or refused with all findings in French and English."""

from typing import Any

import pytest

import schemas
from conformance.build_cases import FILE, case_list
from conformance.model.library import cases
from conformance.model.result import Outcome, Result, Run
from conformance.report.document import evidence_of, report_of
from conformance.role.runner import VERSIONS as KIT_VERSIONS
from gateway.protocol.certificate import ROLES, EvidenceVersions, Profile, Role
from gateway.protocol.evidence import Evidence, judge_evidence
from gateway.protocol.record import utc
from schemas.kit_cases import kit_cases, seed_of
from tests.protocol.certified import DAY, NONCE, NOW, VERSIONS, digest, evidence, nonce, replaced, report, result

ONE = "publisher/creates"
OFF = {"withdrawals"}


def judged(document: object, *, platform: str = "bretagne", now: int = NOW, **issued: Any) -> Any:
    return judge_evidence(document, platform=platform, nonces=[nonce(**issued)], now=now)


def findings(document: object, **more: Any) -> str:
    found = judged(document, **more)
    assert isinstance(found, tuple), found
    assert all(each["fr"].strip() and each["fr"] != each["en"] for each in found)
    return " ".join(each["en"] for each in found)


def spoilt(document: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Changed after its digest was made."""
    return {**document, **more}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("profile", ["full", "core"])
def test_a_whole_run_without_a_failure_is_good_enough(role: Role, profile: Profile) -> None:
    """CER-004"""
    document = evidence(report(role, profile=profile))
    versions = EvidenceVersions(**VERSIONS)
    expected = Evidence(role=role, profile=profile, versions=versions, digest=document["digest"], nonce=NONCE)
    assert expected == judged(document)


def test_the_cases_of_the_kit_are_known_here() -> None:
    """CER-004"""
    assert case_list() == FILE.read_text(encoding="utf-8"), "run: make contract"
    assert {case.id for case in cases() if "publisher" in case.roles} == set(kit_cases("publisher"))
    assert {} == kit_cases("nothing")


@pytest.mark.parametrize("role", ROLES)
def test_reports_of_the_kit_are_read_unchanged(role: Role) -> None:
    """CER-004: the kit's own evidence of all its cases, unchanged."""
    played = [case for case in cases() if role in case.roles]
    run = Run(
        role=role,
        target="https://stages.example",
        profile="full",
        versions=KIT_VERSIONS,
        seed=seed_of(NONCE, platform="bretagne", role=role),
        began=utc(NOW - 3_600_000),
        milliseconds=60_000,
        results=tuple(
            Result(case=case, outcome=Outcome.OMIT if kit_cases(role)[case.id].is_omitted(()) else Outcome.PASS)
            for case in played
        ),
    )
    document = evidence_of(report_of(run), platform="bretagne", nonce=NONCE, played=played)
    schemas.validator("conformance-evidence").validate(document)
    found = judged(document)
    assert isinstance(found, Evidence), found
    assert digest({name: value for name, value in document.items() if name != "digest"}) == found.digest


@pytest.mark.parametrize("document", [None, 7, [], {}, {"evidence": "x"}, {**evidence(), "report": [[]]}])
def test_a_document_that_is_no_evidence_is_refused_as_such(document: object) -> None:
    """CER-004: nothing raises."""
    assert "passerelle-conformance certify" in findings(document) or "at /report" in findings(document)


def test_evidence_of_an_earlier_kit_is_refused_as_such() -> None:
    """CER-004: by its form, or by the version in it."""
    assert "earlier version of the kit" in findings({"evidence": "urn:fr:stages:conformance-evidence:1"})
    assert "about kit 1.2.0" in findings(evidence(report(versions={**VERSIONS, "kit": "1.2.0"})))


def test_excessive_nesting_is_no_evidence() -> None:
    """CER-004"""
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    assert "It is no evidence" in findings({**evidence(), "role": deep})


def test_a_change_after_the_digest_is_detected() -> None:
    """CER-004"""
    assert "digest does not match" in findings(spoilt(evidence(), platform="normandie"), platform="normandie")
    failed = evidence(report(conforms=False, results=replaced(report(), ONE, "fail")))
    healed = spoilt(failed, report=report())
    assert "digest does not match" in findings(healed)


def test_a_case_that_was_left_out_is_detected() -> None:
    """CER-004: also under a digest that fits, and where the list of cases was shortened as well."""
    fewer = report(results=[one for one in report()["results"] if one["case"] != ONE])
    assert f"Cases are missing ({ONE})" in findings(evidence(fewer))
    shortened = sorted(kit_cases("publisher").keys() - {ONE})
    assert f"Cases are missing ({ONE})" in findings(evidence(fewer, cases=shortened))
    assert f"Cases are missing ({ONE})" in findings(evidence(cases=shortened))


def test_a_case_that_was_turned_to_omit_is_detected() -> None:
    """CER-004: only cases of a feature that is declared absent are omitted, and all of them."""
    assert f"called not required: {ONE}" in findings(evidence(report(results=replaced(report(), ONE, "omit"))))
    without = report(off=OFF)
    assert isinstance(judged(evidence(without, off=sorted(OFF))), Evidence)
    assert "called not required: publisher/" in findings(evidence(without))
    assert "called not required" in findings(
        evidence(report(off=OFF, results=replaced(without, ONE, "omit")), off=sorted(OFF))
    )
    assert "declared absent were run" in findings(evidence(report(profile="core"), off=sorted(OFF)))
    nothing = [result(one["case"], "omit") for one in report()["results"]]
    assert "Not one case passed" in findings(evidence(report(profile="core", results=nothing)))


def test_a_case_under_another_name_is_detected() -> None:
    """CER-004: a failure under the name of a passed case, of another role, or of none."""
    twice = report(results=[*report()["results"], result(ONE)])
    assert "Cases are repeated" in findings(evidence(twice))
    renamed = [result("publisher/other") if one["case"] == ONE else one for one in report()["results"]]
    said = findings(evidence(report(results=renamed)))
    assert "no such cases: publisher/other" in said
    assert f"missing ({ONE})" in said
    relabelled = {**report("subscriber"), "role": "publisher", "seed": report()["seed"]}
    assert "Cases are missing" in findings(evidence(relabelled))


def test_totals_contradict_changed_results() -> None:
    """CER-004"""
    assert "totals contradict" in findings(evidence(report(totals={"pass": 1})))


def test_a_feature_that_is_declared_absent_and_used_is_refused() -> None:
    """CER-004"""
    document = evidence(report(off=OFF), off=sorted(OFF), used=sorted(OFF))
    assert "the run has not seen (withdrawals)" in findings(document)
    unused = evidence(report(off=OFF), off=sorted(OFF))
    for seen, refused in ((OFF, True), ({"batch"}, False)):
        found = judge_evidence(unused, platform="bretagne", nonces=[nonce()], now=NOW, used=seen)
        assert refused == isinstance(found, tuple), "by what this gateway saw of the platform"
    full = evidence(report(off=OFF, profile="full"), off=sorted(OFF))
    assert "The profile full requires withdrawals" in findings(full)
    assert "no feature teleport" in findings(evidence(report(profile="core"), off=["teleport"]))


def test_a_case_for_some_targets_only_may_be_omitted() -> None:
    """CER-004"""
    situational = {case for case, known in kit_cases("gateway").items() if known.situational}
    assert {"feed/left-the-own-territory", "publish/invisible-refused"} <= situational
    assert not any(known.situational for role in ("publisher", "subscriber") for known in kit_cases(role).values())
    results = [
        result(one["case"], "omit") if one["case"] in situational else one for one in report("gateway")["results"]
    ]
    assert isinstance(judged(evidence(report("gateway", results=results))), Evidence)
    one = replaced(report("gateway", results=results), "publish/new-is-201", "omit")
    assert "called not required: publish/new-is-201" in findings(evidence(report("gateway", results=one)))


def test_a_gateway_that_cannot_be_restarted_keeps_the_full_profile() -> None:
    """CER-004"""
    document = evidence(report("gateway", off={"restart"}, profile="full"), off=["restart"])
    assert isinstance(judged(document), Evidence)


def test_it_is_of_the_platform_that_is_certified() -> None:
    """CER-004: an address instead of a slug proves nothing, so the operator names the platform."""
    assert "about bretagne, not normandie" in findings(evidence(), platform="normandie")
    address = "https://stages.example"
    found = judged(evidence(report(platform=address), platform=address), platform="normandie")
    assert isinstance(found, Evidence)


def test_a_nonce_binds_it_to_one_platform_and_to_a_later_run() -> None:
    """CER-004"""
    assert "issued no such nonce to bretagne" in findings(evidence(), text="nonce-of-another-one")
    assert "already used" in findings(evidence(), used_at=NOW - 1)
    assert "has expired" in findings(evidence(), expires_at=NOW)
    assert "began before its nonce" in findings(evidence(), issued_at=NOW - 3_000_000)
    assert "seed does not follow" in findings(evidence(report(seed="ab12")))
    moved = evidence(report(platform="normandie"))
    assert "seed does not follow" in findings(moved), "the run of another platform under this name"
    assert "at /nonce" in findings({**evidence(), "nonce": "x"})


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
    assert f"Not passed: {ONE}." in findings(evidence(report(results=replaced(report(), ONE, outcome))))


def test_announced_failures_are_failures() -> None:
    """CER-004"""
    results = replaced(report(), ONE, "fail", announced=True)
    assert "announced failures" in findings(evidence(report(results=results)))
    assert "announced failures" in findings(evidence(report(announced=1)))


def test_a_run_that_does_not_conform_is_refused_whatever_its_results() -> None:
    """CER-004"""
    assert "does not conform" in findings(evidence(report(conforms=False)))


def test_a_run_is_valid_for_thirty_days_and_must_be_in_the_past() -> None:
    """CER-004"""
    ended = NOW - 3_600_000 + 60_000
    late = NOW + 60 * DAY
    assert isinstance(judged(evidence(), now=ended + 30 * DAY, expires_at=late), Evidence)
    assert "older than 30 days" in findings(evidence(), now=ended + 30 * DAY + 1, expires_at=late)
    assert isinstance(judged(evidence(), now=ended - 300_000), Evidence)
    assert "written in the future" in findings(evidence(), now=ended - 300_001)


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ({"kit": "9.9.9"}, "about kit 9.9.9"),
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


@pytest.mark.parametrize(
    ("release", "rules", "taken"),
    [
        ("1.0-2026.03", "2026.03", True),
        ("1.0-2026.03", schemas.RULES_VERSION, True),
        ("1.0-2026.03", "2025.09", False),
        (None, "2026.03", False),
    ],
)
def test_the_rules_in_force_are_those_between_the_nonce_and_the_certificate(
    release: str | None, rules: str, *, taken: bool
) -> None:
    """CER-004: a change of a code list after the run voids no evidence."""
    document = evidence(report(versions={**VERSIONS, "rules": rules}))
    assert taken == isinstance(judged(document, release=release), Evidence)


def test_everything_wrong_is_reported_at_once() -> None:
    """CER-004"""
    results = replaced(report(), ONE, "skip")
    content = report(versions={**VERSIONS, "rules": "2020.01"}, results=results)
    said = findings(evidence(content), platform="normandie", now=NOW + 60 * DAY)
    assert 5 == sum(part in said for part in ("rules 2020.01", ONE, "not normandie", "older than 30 days", "expired"))
