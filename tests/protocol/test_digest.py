"""The content digest: the fast path writes what RFC 8785 writes."""

import hashlib
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.digest import canonical, content_digest
from schemas.offer_field import fields_of
from schemas.registry import schema

NUMBERS = ("integer", "number")
SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text()
COORDINATES = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-180, 180)
HOURS = st.fixed_dictionaries(
    {"start": st.text(max_size=5)}, optional={"break_minutes": st.integers(0, 240) | st.floats(0, 240)}
)
SCHEDULE = st.dictionaries(st.sampled_from(["monday", "friday", "saturday"]), HOURS)
EMPLOYER = st.dictionaries(st.sampled_from(["name", "description", "website", "siret", "naf"]), st.text())
OFFERS = st.fixed_dictionaries(
    {"title": st.text(), "levels": st.lists(st.text(max_size=5)), "employer": EMPLOYER},
    optional={
        "location": st.fixed_dictionaries(
            {"city": st.text()}, optional={"latitude": COORDINATES, "longitude": COORDINATES}
        ),
        "seats": st.integers(1, 6000) | st.just(3.0),
        "extensions": st.dictionaries(st.text(), SCALARS | COORDINATES),
        "schedule": SCHEDULE | st.builds(lambda days, lunch: {**days, "lunch_break": lunch}, SCHEDULE, st.text()),
    },
)


@given(OFFERS)
def test_the_fast_path_agrees_with_the_library(offer: dict[str, Any]) -> None:
    """[REV-002]: differential, on offers of every shape that can reach it."""
    assert canonical(offer) == rfc8785.dumps(offer)


@pytest.mark.parametrize(
    "degrees", [0.0, -0.0, 1.0, 1e-7, 48.8566, -4.4861, 0.001, 0.0009999, 1e16, 5e-324, 179.999999]
)
def test_coordinates_with_two_spellings_are_written_as_in_the_rfc(degrees: float) -> None:
    """[REV-002]."""
    offer = {"location": {"latitude": degrees}}
    assert canonical(offer) == rfc8785.dumps(offer)


@pytest.mark.parametrize("path", [one.path for one in fields_of(schema("offer")) if one.part["type"] in NUMBERS][1:])
def test_every_number_of_the_schema_is_written_as_in_the_rfc(path: str) -> None:
    """[REV-002]: the fast path knows each field that may be 2.0; the revision, the first, is left out before."""
    offer: Any = 2.0
    for name in reversed(path.split(".")):
        offer = {name: offer}
    assert canonical(offer) == rfc8785.dumps(offer)


def test_the_digest_leaves_the_revision_out_and_ignores_the_order_of_keys() -> None:
    """[REV-002]."""
    expected = hashlib.sha256(b'{"id":"bretagne:1","title":"\xc3\xa9t\xc3\xa9"}').hexdigest()
    assert content_digest({"title": "été", "revision": 7, "id": "bretagne:1"}) == expected
