"""Fields: the values that each accepts, and those that are left out."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from tests.formats.feeds import codes, flat, only, row


@pytest.mark.parametrize(
    ("field", "given", "rule", "expected"),
    [
        ("levels", "Lycée", {"map": {"lycee": "seconde", "college": ["quatrieme", "troisieme"]}}, ["seconde"]),
        ("levels", "COLLÈGE", {"map": {"college": ["quatrieme", "troisieme"]}}, ["quatrieme", "troisieme"]),
        ("employer.public", "mairie", {"map": {"mairie": True, "*": False}}, True),
        ("seats", "une classe", {"map": {"une classe": 30}}, 30),
        ("sector", "Numérique", {"map": {"numerique": "s36"}}, "s36"),
        ("stay_weeks", 2.0, {}, 2),
        ("location.latitude", "48,11", {}, 48.11),
        ("rome.code", " M1805", {}, "M1805"),
        ("accessibility", True, {}, "yes"),
        ("redistribution.national", "non", {}, False),
        ("employer.naf", "6201Z", {}, "62.01Z"),
        ("source_id", 12, {}, "12"),
        ("expires_on", "27/06/2027", {}, "2027-06-27"),
        ("schedule.lunch_break", "Repas\tau réfectoire", {}, "Repas au réfectoire"),
    ],
)
def test_each_field_reads_what_feeds_write(field: str, given: Any, rule: Mapping[str, Any], expected: Any) -> None:
    """[FMT-008]"""
    more = {"location.longitude": {"constant": 1.0}} if field == "location.latitude" else {}
    mapping = flat("json", fields={field: {"path": "v", **rule}, **more})
    offer = only(orjson.dumps({**row(), "v": given}), mapping)
    assert [] == codes(offer)
    parent, _, child = field.rpartition(".")
    assert expected == (offer.document[parent] if parent else offer.document)[child]


@pytest.mark.parametrize(
    ("latitude", "longitude", "codes_"),
    [(0, 0, ["coordinates-left-out"]), ("0,0", 0.0, ["coordinates-left-out"]), (48.1, None, ["coordinates-left-out"]),
     ("inconnue", -1.6, ["field-left-out", "coordinates-left-out"]), (None, None, [])],
)  # fmt: skip
def test_coordinates_that_say_nothing_are_left_out_together(latitude: Any, longitude: Any, codes_: list[str]) -> None:
    """[FMT-008]"""
    fields = {f"location.{name}": {"path": name, "optional": True} for name in ("latitude", "longitude")}
    item = {**row(), "latitude": latitude, "longitude": longitude}
    offer = only(orjson.dumps(item), flat("json", fields=fields))
    assert ({"postal_code", "city"}, codes_) == (set(offer.document["location"]), codes(offer))


def test_a_version_of_rome_without_a_code_is_left_out() -> None:
    """[FMT-008]"""
    fields = {"rome.code": {"path": "rome"}, "rome.version": {"constant": "4"}}
    assert "rome" not in only(orjson.dumps(row()), flat("json", fields=fields)).document
    with_code = only(orjson.dumps({**row(), "rome": "M1805"}), flat("json", fields=fields))
    assert {"code": "M1805", "version": "4"} == with_code.document["rome"]


def test_fields_that_the_schema_lacks_become_the_platforms_extensions() -> None:
    """[FMT-001]"""
    extensions = {"ref": {"path": "r"}, "tags": {"path": "t"}, "none": {"path": "n"}, "fixed": {"constant": 3}}
    mapping = flat("json", extensions=extensions)
    document = only(orjson.dumps({**row(), "r": " A  1", "t": ["x", 2]}), mapping).document
    assert {"bretagne": {"ref": "A 1", "tags": ["x", 2], "fixed": 3}} == document["extensions"]
