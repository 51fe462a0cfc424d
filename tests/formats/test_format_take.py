"""Parts of texts, conditions, keyed objects, durations and values that the verdict refuses."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

import schemas
from adapters.formats.item import BrokenItem, FeedComplete, FeedUnusable, OfferItem, PassedItem, judge
from adapters.formats.mapping import load_mapping
from adapters.formats.take import load_takes, take_part
from tests.formats.feeds import FIELDS, ON, codes, flat, items, offers, only, row

TARGET = "https://stages.example/offre/12"
COUNTED = f"https://clic.example/?id=7&url={TARGET.replace(':', '%3A').replace('/', '%2F')}"


@pytest.mark.parametrize(
    ("steps", "text", "expected"),
    [
        ({"after": "(", "before": ")"}, "Lorient (56)", "56"),
        ({"after": "("}, "Lorient (56)", "56)"),
        ({"before": " - "}, "Rennes - Bretagne - 35", "Rennes"),
        ({"after": "#"}, "Rennes", None),
        ({"before": "#"}, "Rennes", None),
        ({"after": "(", "before": ")"}, "Lorient (56", None),
        ({"piece": 2, "of": " - "}, "Rennes - Bretagne - 35", "Bretagne"),
        ({"piece": -1, "of": " - "}, "Rennes - Bretagne - 35", "35"),
        ({"piece": 4, "of": " - "}, "Rennes - Bretagne - 35", None),
        ({"piece": -4, "of": " - "}, "Rennes - Bretagne - 35", None),
        ({"piece": 2, "of": ";"}, "a; ;c", None),
        ({"parameter": "url"}, COUNTED, TARGET),
        ({"parameter": "URL"}, COUNTED, None),
        ({"parameter": "url"}, "https://stages.example/?url=", None),
        ({"parameter": "url"}, "https://[stages.example/?url=x", None),
        ([{"parameter": "url"}, {"piece": -1, "of": "/"}], COUNTED, "12"),
    ],
)
def test_steps_take_a_part_of_a_text(steps: Any, text: str, expected: str | None) -> None:
    """[FMT-012]"""
    assert expected == take_part(text, load_takes(steps))


@pytest.mark.parametrize(
    ("rule", "link", "expected"),
    [
        ({"take": {"parameter": "url"}}, COUNTED, TARGET),
        ({"take": {"parameter": "url"}, "unmatched": "keep"}, TARGET, TARGET),
        ({"take": {"parameter": "url"}, "unmatched": "drop"}, TARGET, None),
        (
            {"take": {"parameter": "url"}, "unmatched": "drop", "default": "https://a.example/"},
            "x",
            "https://a.example/",
        ),
    ],
)
def test_a_link_that_counts_clicks_gives_its_target(rule: Mapping[str, Any], link: str, expected: str | None) -> None:
    """[FMT-012]"""
    mapping = flat("json", fields={"apply_url": {"path": "url", **rule}})
    assert expected == only(orjson.dumps(row(url=link)), mapping).document.get("apply_url")


def test_without_the_part_the_offer_is_refused() -> None:
    """[FMT-009]"""
    mapping = flat("json", fields={"apply_url": {"path": "url", "take": {"parameter": "url"}}})
    offer = only(orjson.dumps(row()), mapping)
    assert offer.refused
    assert ["part-missing"] == codes(offer)


def test_a_map_can_let_other_values_through() -> None:
    """[FMT-012]"""
    rule = {"path": "sector", "map": {"Bois": "s24"}, "unmatched": "keep"}
    mapping = flat("json", fields={"sector": rule})
    found = [one.document.get("sector") for one in offers(orjson.dumps([row(sector="bois"), row(2)]), mapping)]
    assert ["s24", "s5"] == found


def test_a_map_can_drop_other_values() -> None:
    """[FMT-012]"""
    rule = {"path": "levels", "split": ",", "map": {"L2": "seconde"}, "unmatched": "drop"}
    offer = only(orjson.dumps(row(levels="L2,BTS")), flat("json", fields={"levels": rule}))
    assert ["seconde"] == offer.document["levels"]


def test_a_part_of_a_join_is_cut_by_itself() -> None:
    """[FMT-011]"""
    parts = [{"path": "description", "html": True, "cut": 12}, {"path": "city"}]
    offer = only(orjson.dumps(row()), flat("json", fields={"description": {"join": {"parts": parts, "with": " / "}}}))
    assert "Observer la… / Rennes" == offer.document["description"]
    assert ["text-cut"] == codes(offer)
    assert 12 == offer.problems[0].expected


CONDITIONS: Mapping[str, Mapping[str, Any]] = {
    "not_in": {"path": "etat", "not_in": ["Brouillon"]},
    "exists": {"path": "pourvue", "exists": False},
    "present": {"path": "etat", "exists": True},
    "from": {"path": "fin", "from": "today"},
    "until": {"path": "fin", "until": "2026-12-31"},
    "span": {"path": "fin", "from": "2026-12-01", "until": "2026-12-31"},
}
ROWS = (
    {"etat": "brouillon", "fin": "23/11/2026"},
    {"etat": "en ligne", "fin": "24/11/2026", "pourvue": "oui"},
    {"fin": "2026-12-15"},
    {"etat": "en ligne", "fin": "2027-03-01"},
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("not_in", [1, 2, 3]),
        ("exists", [0, 2, 3]),
        ("present", [0, 1, 3]),
        ("from", [1, 2, 3]),
        ("until", [0, 1, 2]),
        ("span", [2]),
    ],
)
def test_conditions_choose_items(name: str, expected: list[int]) -> None:
    """[FMT-014]"""
    mapping = flat("json", only=[CONDITIONS[name]])
    *found, end = items(orjson.dumps([row(index, **one) for index, one in enumerate(ROWS)]), mapping)
    assert isinstance(end, FeedComplete)
    assert expected == [one.position.index for one in found if isinstance(one, OfferItem)]
    assert len(ROWS) - len(expected) == len([one for one in found if isinstance(one, PassedItem)])


def test_an_item_whose_date_is_unreadable_is_refused_and_not_passed_over() -> None:
    """[FMT-009]: passed over, its offer would be withdrawn."""
    broken, end = items(orjson.dumps([row(fin="bientôt")]), flat("json", only=[CONDITIONS["from"]]))
    assert isinstance(broken, BrokenItem)
    assert ("bretagne:S-1", ["date-unreadable"]) == (broken.id, codes(broken))
    assert isinstance(end, FeedComplete)


@pytest.mark.parametrize("condition", [{"not_in": ["brouillon"]}, {"exists": False}])
def test_the_misspelt_path_of_a_condition_that_excludes_is_an_error(condition: Mapping[str, Any]) -> None:
    """[FMT-014]"""
    *_, end = items(orjson.dumps([row(etat="brouillon")]), flat("json", only=[{"path": "etatt", **condition}]))
    assert isinstance(end, FeedUnusable)
    assert [("path-not-found", "/mapping/only/0/path")] == [(one.code, one.pointer) for one in end.problems]


@pytest.mark.parametrize("name", ["present", "span", "from"])
def test_conditions_that_pass_over_all_say_what_they_look_for(name: str) -> None:
    """[FMT-014]"""
    feed = orjson.dumps([{**row(), "etat": " ", "fin": "2020-01-01"}])
    *_, end = items(feed, flat("json", only=[CONDITIONS[name]]))
    assert isinstance(end, FeedUnusable)
    assert ["only-passes-all"] == codes(end)


@pytest.mark.parametrize(
    ("condition", "code", "pointer"),
    [
        ({"path": "a"}, "mapping-condition-source", "/only/0"),
        ({"path": "a", "in": ["x"], "exists": True}, "mapping-condition-source", "/only/0"),
        ({"path": "a", "from": "2027-02-30"}, "mapping-day", "/only/0/from"),
        ({"path": "a", "until": "demain"}, "mapping-day", "/only/0/until"),
    ],
)
def test_a_condition_that_is_not_sound_says_where(condition: Mapping[str, Any], code: str, pointer: str) -> None:
    """[FMT-012]"""
    found = load_mapping("json", {"id": {"path": "id"}, "fields": FIELDS, "only": [condition]})
    assert isinstance(found, tuple)
    assert [(code, pointer)] == [(one.code, one.pointer) for one in found]


@pytest.mark.parametrize("step", [{}, {"piece": 1}, {"piece": 0, "of": ";"}, {"piece": 1, "of": ";", "after": "x"}])
def test_a_step_that_is_not_sound_is_named(step: Mapping[str, Any]) -> None:
    """[FMT-012]"""
    found = load_mapping("json", {"id": {"path": "id"}, "fields": {"title": {"path": "t", "take": step}}})
    assert isinstance(found, tuple)
    assert all(one.pointer.startswith("/fields/title/take") for one in found)


KEYED: Mapping[str, Any] = {"source": {"items": "stages", "keyed": True}, "id": {"path": "#key"}}


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_members_of_an_object_are_items_with_their_key(step: int) -> None:
    """[FMT-001]"""
    stages = {f"S-{number}": {**row(number), "id": "other"} for number in (1, 2)}
    feed = orjson.dumps({"total": 2, "stages": stages})
    blocks = [feed[at : at + step] for at in range(0, len(feed), step)]
    mapping = flat("json", **KEYED)
    assert ["bretagne:S-1", "bretagne:S-2"] == [one.id for one in offers(blocks, mapping)]


def test_a_member_that_is_no_object_is_an_item_with_its_id() -> None:
    """[FMT-006]"""
    stages = {"S-1": row(), "S-2": "x", "S-3": [row(3)], "S-4": None}
    first, *broken, end = items(orjson.dumps({"stages": stages}), flat("json", **KEYED))
    assert isinstance(first, OfferItem)
    assert isinstance(end, FeedComplete)
    assert [(f"bretagne:S-{number}", ["item-not-object"]) for number in (2, 3, 4)] == [
        (one.id, codes(one)) for one in broken if isinstance(one, BrokenItem)
    ]


@pytest.mark.parametrize(("stages", "kind"), [({}, FeedComplete), (None, FeedComplete), (..., FeedUnusable)])
def test_an_empty_object_is_an_empty_feed_and_no_object_a_wrong_path(stages: Any, kind: type) -> None:
    """[FMT-014]"""
    document = {"total": 0} if stages is ... else {"stages": stages}
    [end] = items(orjson.dumps(document), flat("json", **KEYED))
    assert isinstance(end, kind)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2027-06-14 + 2", ["2027-W24", "2027-W25"]),
        ("16/06/2027 + 1", ["2027-W24"]),
        ("2027-06-13 + 1 semaine", ["2027-W24"]),
        ("2027-W24 + 2 weeks", ["2027-W24", "2027-W25"]),
        ("2027-06-14 + P2W", ["2027-W24", "2027-W25"]),
        ("14/06/2027 + 5 jours", ["2027-W24"]),
        ("14/06/2027 + 12 jours", ["2027-W24", "2027-W25"]),
        ("14/06/2027 + 28/06/2027", ["2027-W24", "2027-W26"]),
        ("14/06/2027 + 2.0", ["2027-W24", "2027-W25"]),
    ],
)
def test_weeks_from_a_first_day_and_a_duration(text: str, expected: list[str]) -> None:
    """[FMT-008]"""
    assert expected == only(orjson.dumps(row(weeks=text)), flat("json")).document["weeks"]


def test_a_duration_of_nothing_is_unreadable() -> None:
    """[FMT-009]"""
    assert ["weeks-unreadable"] == codes(only(orjson.dumps(row(weeks="2027-06-14 + 0")), flat("json")))


def test_an_optional_value_that_the_verdict_refuses_is_left_out() -> None:
    """[FMT-009]"""
    rules = {"employer.siret": {"path": "siret", "optional": True}, "seats": {"path": "seats", "optional": True}}
    offer = only(orjson.dumps(row(siret="12345678901234", seats="9000")), flat("json", fields=rules))
    verdict = judge(offer, revision=1, on=ON)
    assert verdict.accepted
    assert verdict.document is not None
    assert {"name"} == set(verdict.document["employer"])
    assert {"/employer/siret", "/seats"} == {one.pointer for one in verdict.problems if one.code == "value-left-out"}


@pytest.mark.parametrize("rule", [{}, {"optional": False}])
def test_a_value_that_is_not_optional_refuses_its_offer(rule: Mapping[str, Any]) -> None:
    """[FMT-009]"""
    mapping = flat("json", fields={"employer.siret": {"path": "siret", **rule}})
    assert not judge(only(orjson.dumps(row(siret="12345678901234")), mapping), revision=1, on=ON).accepted


def test_a_required_field_is_refused_all_the_same() -> None:
    """[FMT-009]"""
    mapping = flat("json", fields={"title": {"path": "title", "optional": True}})
    verdict = judge(only(orjson.dumps(row(title="x" * 200)), mapping), revision=1, on=ON)
    assert not verdict.accepted
    assert ["/title"] == [one.pointer for one in verdict.problems if one.severity == "error"]


def test_a_postcode_comes_from_the_insee_code_alone() -> None:
    """[FMT-008]"""
    fields = {name: rule for name, rule in FIELDS.items() if not name.startswith("location")}
    mapping = load_mapping(
        "json", {"id": {"path": "id"}, "fields": {**fields, "location.insee_commune": {"path": "insee"}}}
    )
    assert not isinstance(mapping, tuple)
    offer = only(orjson.dumps(row(insee="35238")), mapping)
    assert {"postal_code": "35000", "city": "Rennes", "insee_commune": "35238"} == offer.document["location"]
    assert judge(offer, revision=1, on=ON).accepted


def test_each_key_has_a_description_in_both_languages() -> None:
    """[FMT-012]"""
    definitions = schemas.schema("mapping")["$defs"]
    for name in ("take", "unmatched", "cut"):
        assert {"description", "x-fr"} <= set(definitions[name])
    for name in ("step", "condition"):
        for key, member in definitions[name]["properties"].items():
            assert key == "path" or {"description", "x-fr"} <= set(member), (name, key)
