"""Real postings of a regional feed, put into offer documents, each get a verdict with every reason."""

import html
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import orjson
import pytest

import schemas
from tests.schemas.documents import check, codes

TAG = re.compile(r"<[^>]*>")


def field(job: ET.Element, path: str) -> str:
    """The text at a path, without the blanks around it."""
    return (job.findtext(path) or "").strip()


def plain(markup: str) -> str:
    """Text without tags, character references or blank runs; a minimal substitute for an adapter."""
    return re.sub(r"\s+", " ", html.unescape(TAG.sub(" ", markup))).strip()


def documents(feed: Path, *, clean: bool) -> list[dict[str, Any]]:
    """One offer document per posting. ``clean``: as an adapter would write it; otherwise as in the feed."""
    text = feed.read_text()
    assert "<!DOCTYPE" not in text
    return [document(job, plain if clean else str.strip) for job in ET.fromstring(text).iter("job")]


def document(job: ET.Element, written: Any) -> dict[str, Any]:
    """The offer made from a posting; levels, weeks and sector are not in the feed."""
    location = job.find("workplace/locations/location")
    assert location is not None
    return {
        "id": f"auvergne-rhone-alpes:{job.get('id')}",
        "revision": 1,
        "title": written(field(job, "title")),
        "description": written(field(job, "description"))[:1500],
        "employer": {
            "name": field(job, "company/name"),
            "description": written(field(job, "company/description"))[:275],
        },
        "location": {
            "postal_code": field(location, "postalCode"),
            "city": field(location, "city"),
            "latitude": float(location.get("lat", "nan")),
            "longitude": float(location.get("lng", "nan")),
        },
        "levels": ["seconde"],
        "weeks": ["2027-W24", "2027-W25"],
        "sector": "s12",
        "apply_url": field(job, "link"),
    }


@pytest.mark.samples
def test_real_postings_are_accepted_with_their_warnings_once_cleaned(samples: Path) -> None:
    """OFR-038: a postcode that does not exist is a warning, not a refusal."""
    verdicts = [check(posting) for posting in documents(samples / "feeds" / "cleverconnect.xml", clean=True)]
    assert len(verdicts) == 3
    for verdict in verdicts:
        assert verdict.accepted == all(problem.severity == "warning" for problem in verdict.problems)
    assert [verdict.accepted for verdict in verdicts] == [True, True, True]
    assert "department-guessed" in codes(verdicts[0])
    assert verdicts[0].territory is not None
    assert verdicts[0].territory["department"] == "38"


@pytest.mark.samples
def test_real_postings_are_refused_with_every_reason_as_they_are(samples: Path) -> None:
    """OFR-010, OFR-038: HTML in the description is named with its pointer."""
    postings = documents(samples / "feeds" / "cleverconnect.xml", clean=False)
    marked = [any(TAG.search(posting[name]) for name in ("title", "description")) for posting in postings]
    assert marked == [True, True, False]
    assert ["text-markup" in codes(check(posting)) for posting in postings] == marked
    assert [check(posting).accepted for posting in postings] == [not html_in_it for html_in_it in marked]


@pytest.mark.samples
def test_the_sectors_are_those_of_the_recorded_answer(samples: Path) -> None:
    """OFR-028"""
    recorded = orjson.loads((samples / "national-v2/sectors/index/success.json").read_bytes())["sectors"]
    listed = {item["code"]: item["name"] for item in schemas.reference("sectors")["items"]}
    assert listed == {sector["uuid"]: sector["name"].strip() for sector in recorded}


@pytest.mark.samples
def test_the_naf_map_is_the_recorded_one(samples: Path) -> None:
    """OFR-015"""
    rows = (samples / "reference" / "naf_to_sector.csv").read_text().split()[1:]
    assert {row.split(",")[0]: schemas.sector_of(row.split(",")[0]) for row in rows} == dict(
        row.split(",") for row in rows
    )
