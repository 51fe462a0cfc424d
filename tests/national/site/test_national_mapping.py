"""The shared offer as bodies of the site, field by field, with the site's limits."""

from datetime import date
from typing import Any

import pytest

from adapters.national.mapping.deliverability import DeliverableLater, NotDeliverable, Past, Ready
from adapters.national.mapping.week import taken_from, year_in_force
from demo.national_site.body import KEYS, OLD_KEYS
from schemas.registry import schema
from schemas.schoolyear import years
from tests.national.site.harness import JUNE, ON, offer_of, parts_of, ready

COLLEGE_WEEKS = ["2027-W10", "2027-W11"]


def codes(deliverability: object) -> list[str]:
    assert isinstance(deliverability, NotDeliverable), deliverability
    return [refusal.code for refusal in deliverability.refusals]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("title", "Découverte d'un atelier de menuiserie"),
        ("description", "Observer la fabrication d'un meuble.\nDu dessin à la pose."),
        ("employer_name", "Atelier du Port"),
        ("employer_description", "Menuiserie de douze personnes."),
        ("employer_website", "https://atelier-du-port.example.fr"),
        ("street", "4 quai Lamennais"),
        ("zipcode", "35000"),
        ("city", "Rennes"),
        ("coordinates", {"latitude": 48.11, "longitude": -1.68}),
        ("sector_uuid", "s24"),
        ("grades", ["seconde"]),
        ("weeks", JUNE),
        ("permalink", "https://stages.ideo.bretagne.bzh/offres/atelier-1?x=1"),
        ("max_candidates", 3),
        ("is_public", False),
        ("daily_hours", {"lundi": ["9:00", "16:30"], "samedi": ["10:00", "12:00"]}),
        ("lunch_break", "Repas tiré du sac"),
        ("handicap_accessible", True),
        ("rep", False),
        ("qpv", False),
    ],
)
def test_each_field_is_sent_as_the_site_takes_it(field: str, expected: Any) -> None:
    assert expected == ready(offer_of()).body[field]


def test_a_body_holds_only_fields_of_the_sites_schema() -> None:
    body = ready(offer_of()).named("bretagne:atelier-1")
    assert KEYS - {"employer_chosen_name", "period", "published_at"} == body.keys()
    assert "bretagne:atelier-1" == body["remote_id"]


def test_fields_that_an_offer_leaves_out_are_sent_as_the_sites_defaults() -> None:
    """Otherwise a PATCH would leave the old value where a new revision has none."""
    bare = offer_of(
        seats=None,
        schedule=None,
        accessibility=None,
        employer={"website": None, "description": None, "siret": None, "public": None},
        location={"street": None, "latitude": None, "longitude": None},
    )
    body = ready(bare).body
    assert ready(offer_of()).body.keys() - body.keys() == {"coordinates"}
    assert (1, {}, None, False) == tuple(
        body[name] for name in ("max_candidates", "daily_hours", "lunch_break", "handicap_accessible")
    )
    assert (None, "Rennes", "Atelier du Port") == (
        body["employer_website"],
        body["street"],
        body["employer_description"],
    )


@pytest.mark.parametrize(
    ("names", "limit"),
    [
        (("title",), 150),
        (("description",), 1500),
        (("employer", "name"), 150),
        (("employer", "description"), 275),
        (("employer", "website"), 560),
        (("location", "street"), 200),
        (("location", "city"), 50),
        (("apply_url",), 200),
        (("schedule", "lunch_break"), 250),
        (("seats",), 6000),
    ],
)
def test_pitfall_17_nothing_that_the_schema_takes_is_too_long_for_the_site(names: tuple[str, ...], limit: int) -> None:
    node: dict[str, Any] = schema("offer")
    for name in names:
        node = schema("offer")["$defs"][node["$ref"].rpartition("/")[2]] if "properties" not in node else node
        node = node["properties"][name]
    longest: int = node["maxLength"] if "maxLength" in node else node["maximum"]
    assert longest <= limit


def test_a_short_text_about_lunch_is_sent_unchanged() -> None:
    """Only the site's form asks for 11 characters, its interface for none."""
    for text in ("12h-13h", "Repas fourni", None):
        assert text == ready(offer_of(schedule={"lunch_break": text})).body["lunch_break"]


def test_sunday_is_left_out() -> None:
    offer = offer_of(schedule={"sunday": {"start": "10:00", "end": "12:00", "break_minutes": 0}})
    assert ["lundi", "samedi"] == list(ready(offer).body["daily_hours"])


@pytest.mark.parametrize(("stated", "sent"), [("yes", True), ("no", False), ("unknown", False)])
def test_only_a_yes_is_sent_as_accessible(stated: str, sent: bool) -> None:  # noqa: FBT001  # a pair of a table
    assert sent is ready(offer_of(accessibility=stated)).body["handicap_accessible"]


def test_levels_and_weeks_are_sent_in_order() -> None:
    sent = ready(offer_of(levels=["troisieme", "quatrieme"], weeks=COLLEGE_WEEKS[::-1], stay_weeks=1))
    assert (["quatrieme", "troisieme"], COLLEGE_WEEKS) == (sent.body["grades"], sent.body["weeks"])
    assert (("quatrieme", "troisieme"), tuple(COLLEGE_WEEKS)) == (sent.levels, sent.weeks)


def test_an_offer_that_is_not_meant_for_the_site_has_no_parts() -> None:
    assert {} == parts_of(offer_of(redistribution={"national": False}))
    assert {} == parts_of(offer_of(id="national:17"))


def test_several_obstacles_are_reported_at_once() -> None:
    offer = offer_of(
        apply_url="https://stages.example.fr/attestation",
        location={
            "postal_code": "98000",
            "city": "Monaco",
            "insee_commune": "06088",
            "latitude": None,
            "longitude": None,
        },
        employer={"description": None},
    )
    codes_found = codes(parts_of(offer, fillers=False)[""])
    assert ["not-deliverable:apply-url-word", "not-deliverable:postal-code", "employer-undescribed"] == codes_found


def test_obstacles_of_a_part_are_reported_together_with_those_of_the_whole_offer() -> None:
    """Otherwise its publisher corrects one and then reads the next."""
    address = "https://stages.example.fr/contest"
    offer = offer_of(levels=["troisieme", "seconde"], weeks=["2027-W10", "2027-W24"], apply_url=address)
    codes_found = {group: codes(deliverability) for group, deliverability in parts_of(offer).items()}
    word = "not-deliverable:apply-url-word"
    assert {"c": [word], "l": [word, "not-deliverable:mandatory-weeks"]} == codes_found


@pytest.mark.parametrize("word", ["test", "Staging", "contest", "latest"])
def test_pitfall_18_words_that_the_site_refuses_in_addresses(word: str) -> None:
    offer = offer_of(apply_url=f"https://stages.example.fr/{word}/1")
    assert ["not-deliverable:apply-url-word"] == codes(parts_of(offer)[""])


def test_a_masked_employer_goes_only_under_the_profiles_name() -> None:
    offer = offer_of(redistribution={"mask_employer": True}, employer={"public": True})
    assert ["not-deliverable:masked-employer"] == codes(parts_of(offer)[""])
    body = ready(offer, employer_name="Une entreprise de Bretagne").body
    assert "Une entreprise de Bretagne" == body["employer_name"] == body["employer_description"]
    assert (None, "Rennes", True) == (body["employer_website"], body["street"], body["is_public"])
    assert "coordinates" not in body
    undescribed = parts_of(offer, employer_name="Une entreprise de Bretagne", fillers=False)[""]
    assert ["employer-undescribed"] == codes(undescribed)


def test_a_masked_employer_without_another_name_has_no_undescribed_warning() -> None:
    """Its description is there; only the name is missing."""
    offer = offer_of(redistribution={"mask_employer": True})
    assert ["not-deliverable:masked-employer"] == codes(parts_of(offer, fillers=False)[""])


def test_both_mandatory_weeks_with_others_are_sent_with_them() -> None:
    assert ("2027-W20", *JUNE) == ready(offer_of(weeks=[*JUNE, "2027-W20"])).weeks


@pytest.mark.parametrize("weeks", [["2027-W20", "2027-W21"], ["2027-W24"]])
def test_without_both_mandatory_weeks_seconde_is_not_deliverable(weeks: list[str]) -> None:
    deliverability = parts_of(offer_of(weeks=weeks))[""]
    assert ["not-deliverable:mandatory-weeks"] == codes(deliverability)
    assert isinstance(deliverability, NotDeliverable)
    assert JUNE == deliverability.refusals[0].to_json()["expected"]


def test_the_year_in_force_flips_on_the_first_of_july() -> None:
    flip = taken_from(next(year for year in years() if year.name == "2026-2027"))
    assert date(2026, 7, 1) == flip
    assert "2025-2026" == getattr(year_in_force(date(2026, 6, 30)), "name", None)
    assert "2026-2027" == getattr(year_in_force(flip), "name", None)
    assert year_in_force(date(2000, 1, 1)) is None


def test_seconde_of_june_2028_waits_for_the_first_of_july_2027() -> None:
    """The verdict and the connector agree on the weeks of a year that is on file as assumed."""
    weeks = ["2028-W25", "2028-W26"]
    assert (
        DeliverableLater(date(2027, 7, 1))
        == parts_of(offer_of(weeks=weeks, on=date(2027, 6, 30)), on=date(2027, 6, 30))[""]
    )
    assert weeks == list(ready(offer_of(weeks=weeks, on=date(2027, 7, 2)), on=date(2027, 7, 2)).weeks)


@pytest.mark.parametrize("name", ["latitude", "longitude"])
def test_no_coordinate_is_sent_as_zero(name: str) -> None:
    """The site takes 0 for a missing coordinate; the meridian of Greenwich crosses eleven departments."""
    location = {**offer_of()["location"], name: 0.0}
    sent = ready({**offer_of(), "location": location}).body["coordinates"]
    assert 0 < sent[name] < 0.00001


@pytest.mark.parametrize(
    "postal_code", ["00100", "96000", "97000", "97500", "97900", "98000", "98400", "98600", "99999"]
)
def test_a_postcode_outside_the_sites_table_is_not_deliverable_whatever_its_insee_code(postal_code: str) -> None:
    """[NAT-006]"""
    offer = offer_of()
    located = {**offer, "location": {**offer["location"], "postal_code": postal_code, "insee_commune": "35238"}}
    assert ["not-deliverable:postal-code"] == codes(parts_of(located)[""])


def test_an_offer_of_a_year_that_is_not_on_file_is_not_deliverable_yet() -> None:
    """What is not known yet is not called wrong."""
    offer = {**offer_of(), "weeks": ["2031-W24", "2031-W25"]}
    assert ["not-deliverable:year-unknown"] == codes(parts_of(offer, on=date(2030, 9, 1))[""])


def test_a_body_for_the_old_interface_holds_its_fields_and_always_the_period() -> None:
    for week, period in (("2027-W24", 1), ("2027-W25", 2)):
        sent = ready(offer_of(weeks=[week]), one_week=True)
        assert (period, (week,), ("seconde",)) == (sent.body["period"], sent.weeks, sent.levels)
        assert sent.body.keys() <= OLD_KEYS


def test_one_week_of_next_year_waits_too() -> None:
    on = date(2026, 6, 20)
    offer = offer_of(on, weeks=["2027-W24"])
    assert DeliverableLater(date(2026, 7, 1)) == parts_of(offer, on=on, one_week=True)[""]
    assert Past() == parts_of(offer, on=date(2027, 7, 1), one_week=True)[""]


def test_a_choice_between_two_weeks_is_not_deliverable() -> None:
    offer = offer_of(stay_weeks=1)
    for one_week in (False, True):
        assert ["not-deliverable:one-week-stay"] == codes(parts_of(offer, one_week=one_week)[""])


def test_a_restricted_week_never_goes_through_the_old_interface() -> None:
    """It knows no restriction and would show the offer to all."""
    offer = offer_of(weeks=["2027-W24"], restrictions={"qpv": True})
    assert ["not-deliverable:mandatory-weeks"] == codes(parts_of(offer, one_week=True)[""])


def test_college_does_not_depend_on_the_school_year() -> None:
    offer = offer_of(levels=["troisieme"], weeks=COLLEGE_WEEKS, stay_weeks=1)
    assert isinstance(parts_of(offer, on=date(2026, 6, 1))[""], Ready)
    assert ON.year == 2026


def test_the_refusal_of_a_past_year_names_the_weeks_that_the_site_requires_now() -> None:
    """An offer of this June that continues into July is not sent, and has a reason."""
    on = date(2027, 7, 1)
    deliverability = parts_of(offer_of(on, weeks=[*JUNE, "2027-W27"]), on=on)[""]
    assert isinstance(deliverability, Past)
    codes_found = [one.to_json() for one in deliverability.refusals]
    assert [("not-deliverable:mandatory-weeks", ["2028-W25", "2028-W26"])] == [
        (one["code"], one["expected"]) for one in codes_found
    ]


@pytest.mark.parametrize("name", ["", " ", "\u00a0", "\u3000\n"])
def test_a_blank_name_does_not_replace_the_employers(name: str) -> None:
    """The site takes a blank name for a missing one."""
    offer = offer_of(redistribution={"mask_employer": True})
    assert ["not-deliverable:masked-employer"] == codes(parts_of(offer, employer_name=name)[""])
