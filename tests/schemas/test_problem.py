"""All problems of a document at once: errors first, limited in number, and without personal data (OFR-038)."""

from tests.schemas.documents import changed, check, codes


def test_all_problems_come_at_once_errors_first() -> None:
    """OFR-038"""
    verdict = check(
        changed(
            {"employer.siret": "73282932000075", "location.latitude": 0, "location.longitude": 0, "titel": "x"},
            weeks=["2027-W9"],
            apply_url="http://a.fr",
            description="Écrire à jean@exemple.fr",
            restrictions={"schools": ["0750655A"]},
        )
    )
    severities = [problem.severity for problem in verdict.problems]
    assert severities == sorted(severities)
    assert {
        "siret-checksum",
        "coordinates-null-island",
        "field-misnamed",
        "week-malformed",
        "url-malformed",
        "uai-checksum",
        "personal-data",
        "not-deliverable:reserved-schools",
    } == codes(verdict)


def test_thousands_of_errors_are_capped() -> None:
    """OFR-038"""
    for many in (
        {f"field{number}": number for number in range(3000)},
        {"extensions": {f"K{n}": n for n in range(150)}},
    ):
        verdict = check(changed(many, weeks=7, levels={}, location="", employer=0, schedule=[], apply_url=None))
        assert len(verdict.problems) <= 101
        assert "more-problems" in codes(verdict)
    assert not check(changed(weeks=[{}] * 20_000)).accepted
    assert "too-many" in codes(check(changed(weeks=[{}] * 20_000)))
    assert next(t for t in check(changed(weeks=[{}] * 20_000)).problems if t.code == "too-many").actual == 20_000


def test_displayed_values_are_short_and_hold_no_personal_data() -> None:
    """OFR-034, OFR-038"""
    verdict = check(
        changed(
            {"jean.dupont@exemple.fr": 1},
            sector="x" * 1000,
            accessibility="appelez le 06 12 34 56 78",
            id="jean.dupont@exemple.fr",
            extensions={"jean.dupont@exemple.fr": 1},
        )
    )
    written = str([problem.to_json() for problem in verdict.problems])
    assert "exemple.fr" not in written
    assert "34 56" not in written
    assert max(len(str(problem.actual)) for problem in verdict.problems) <= 80
