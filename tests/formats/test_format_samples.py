"""The three recorded feeds of real partners, with mappings as a platform would write them: every item is accounted for.

They hold apprenticeships, so levels and weeks are constants here, as they would be on a platform for one level alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.formats.item import FeedComplete, OfferItem, judge
from tests.formats.feeds import ON, codes, items, load

FOR_SECONDE: Mapping[str, Any] = {"levels": {"constant": ["seconde"]}, "weeks": {"school_weeks": True}}


@dataclass(frozen=True)
class Sample:
    """A recorded feed: its format, a mapping, and what must come of it, item by item."""

    file: str
    form: str
    mapping: Mapping[str, Any]
    ids: tuple[str, ...]
    postcodes: tuple[str, ...]
    warnings: tuple[frozenset[str], ...]


CLEVERCONNECT = Sample(
    "cleverconnect.xml",
    "cleverconnect",
    {
        "fields": {
            **FOR_SECONDE,
            "sector": {"path": "industry", "map": {"Recrutement et placement": "s14", "Services à domicile": "s46"}},
        }
    },
    ("00000070", "00000629", "00000400"),
    ("38990", "86000", "13540"),
    (frozenset({"text-cut", "department-guessed", "city-mismatch"}), frozenset({"text-cut"}), frozenset({"text-cut"})),
)
JOBTEASER = Sample(
    "jobteaser.xml",
    "xml",
    {
        "source": {"items": "jobs/job"},
        "id": {"path": "id"},
        "fields": {
            **FOR_SECONDE,
            "title": {"path": "job_details/title"},
            "description": {"path": "job_details/description", "html": True, "cut": 1500},
            "employer.name": {"path": "company/company_name"},
            "location.city": {"path": "job_locations/location_city"},
            "location.postal_code": {
                "join": {
                    "parts": [{"path": "job_locations/location_city"}, {"path": "job_locations/location_sub_state"}],
                    "with": ", ",
                }
            },
            "sector": {"constant": "s36"},
            "apply_url": {"path": "job_details/url"},
        },
        "extensions": {"siren": {"path": "company/company_siren"}},
    },
    ("ab3c7310-98eb-4541-9a91-438dafddfae3", "d495551f-394a-462a-94e2-01ec47abfd37"),
    ("38000", "80000"),
    (frozenset({"text-cut", "postcode-derived", "employer-undescribed"}),) * 2,
)
FLAT = Sample(
    "flat.csv",
    "csv",
    {
        "id": {"path": "identifiant"},
        "fields": {
            **FOR_SECONDE,
            "title": {"path": "titre"},
            "description": {"path": "description", "cut": 1500},
            "employer.name": {"path": "entreprise"},
            "location.city": {"path": "ville"},
            "location.postal_code": {"path": "code postal"},
            "sector": {"constant": "s12"},
            "apply_url": {"path": "redirection"},
        },
    },
    ("2999583187", "3071721792"),
    ("37540", "08000"),
    (frozenset({"text-cut", "employer-undescribed"}),) * 2,
)
SAMPLES = (CLEVERCONNECT, JOBTEASER, FLAT)


def imported(sample: Sample, folder: Path, fields: Mapping[str, Any] | None = None) -> list[OfferItem]:
    """The offers of a sample, which must be whole and hold nothing else."""
    document = {**sample.mapping, "fields": {**sample.mapping["fields"], **(fields or {})}}
    *found, end = items((folder / "feeds" / sample.file).read_bytes(), load(sample.form, document))
    assert isinstance(end, FeedComplete), end
    constant = {"sector-constant"} if "constant" in document["fields"].get("sector", {}) else set()
    assert (len(sample.ids), constant) == (end.count, set(codes(end)))
    return [item for item in found if isinstance(item, OfferItem)]


@pytest.mark.samples
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
def test_every_item_of_a_real_feed_is_published(sample: Sample, samples: Path) -> None:
    """[FMT-001]"""
    offers = imported(sample, samples)
    assert [f"bretagne:{own}" for own in sample.ids] == [offer.id for offer in offers]
    for offer, postcode, warnings in zip(offers, sample.postcodes, sample.warnings, strict=True):
        verdict = judge(offer, revision=1, on=ON)
        assert verdict.accepted, [problem.to_json() for problem in verdict.problems]
        assert verdict.offer is not None
        assert postcode == verdict.offer["location"]["postal_code"]
        assert ["2027-W24", "2027-W25"] == verdict.offer["weeks"]
        assert "<" not in verdict.offer["description"]
        assert warnings == {problem.code for problem in verdict.problems}


@pytest.mark.samples
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
def test_items_without_what_an_offer_needs_are_refused_with_every_reason(sample: Sample, samples: Path) -> None:
    """[FMT-009]"""
    rules = {
        "levels": {"path": "niveau", "default": ["seconde"]},
        "sector": {"constant": "s1"},
        "weeks": {"path": "x", "optional": True},
    }
    for offer in imported(sample, samples, {**rules, "description": {"path": "none", "optional": True}}):
        verdict = judge(offer, revision=1, on=ON)
        assert not verdict.accepted
        errors = {(problem.code, problem.pointer) for problem in verdict.problems if problem.severity == "error"}
        assert {("field-missing", "/description"), ("field-missing", "/weeks")} == errors


@pytest.mark.samples
def test_a_sector_that_the_mapping_does_not_know_refuses_that_item_alone(samples: Path) -> None:
    """[FMT-009]"""
    known = {"sector": {"path": "industry", "map": {"Services à domicile": "s46"}}}
    verdicts = [judge(offer, revision=1, on=ON) for offer in imported(CLEVERCONNECT, samples, known)]
    assert [False, False, True] == [verdict.accepted for verdict in verdicts]
    [error] = [problem for problem in verdicts[0].problems if problem.severity == "error"]
    assert ("value-unmapped", "/sector", "Recrutement et placement") == (error.code, error.pointer, error.actual)


@pytest.mark.samples
def test_the_ready_made_mapping_alone_says_what_a_platform_must_add(samples: Path) -> None:
    """[FMT-009] [FMT-013]"""
    *offers, end = items((samples / "feeds" / "cleverconnect.xml").read_bytes(), load("cleverconnect"))
    assert FeedComplete(3) == end
    for offer in offers:
        assert isinstance(offer, OfferItem)
        verdict = judge(offer, revision=1, on=ON)
        errors = {(problem.code, problem.pointer) for problem in verdict.problems if problem.severity == "error"}
        assert {("sector-unknown", "/sector"), ("field-missing", "/levels"), ("field-missing", "/weeks")} == errors
