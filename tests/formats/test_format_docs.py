"""The pages for partners, the rules of reading and the tests name the same things, and the examples work."""

import re
from collections import Counter
from pathlib import Path
from string import Formatter

import orjson
import pytest

import schemas
from adapters.formats.encoding import _KNOWN
from adapters.formats.field import BY_KIND, FIELDS
from adapters.formats.item import DEPTH, FEED_ITEMS, ITEM_CHARACTERS, ITEM_NODES, OfferItem, judge
from adapters.formats.mapping_document import FORMATS
from schemas.rulebook import reading_rules
from tests.formats.feeds import ON, items, load

ROOT = Path(__file__).parents[2]
PAGES = {path.stem: path.read_text() for path in sorted((ROOT / "docs" / "formats").glob("*.md"))}
SOURCES = "\n".join(path.read_text() for path in (ROOT / "adapters" / "formats").glob("*.py"))
SENTENCE = re.compile(r"^- .*`\[(FMT-[0-9]{3})\]`\.$", re.MULTILINE)
ID = re.compile(r"\bFMT-[0-9]{3}\b")
EXAMPLE = re.compile(r"```json mapping (?P<form>\w+)\n(?P<mapping>.*?)```\n```\w+ feed\n(?P<feed>.*?)```", re.DOTALL)
FENCED = re.compile(r"```.*?```", re.DOTALL)
KEY = re.compile(r"`([^`]+)`")


def named_in_tests() -> set[str]:
    return {found for path in (ROOT / "tests" / "formats").glob("*.py") for found in ID.findall(path.read_text())}


def test_every_requirement_has_one_sentence_and_a_test() -> None:
    counted = Counter(SENTENCE.findall(PAGES["README"]))
    assert {f"FMT-{number:03}" for number in range(1, 17)} == set(counted)
    assert 1 == max(counted.values())
    assert set(counted) == named_in_tests()


def test_every_rule_serves_a_requirement_and_is_used() -> None:
    assert set() == {rule.requirement for rule in reading_rules().values()} - set(SENTENCE.findall(PAGES["README"]))
    assert [] == [code for code in reading_rules() if f'"{code}"' not in SOURCES]
    assert set() == set(reading_rules()) & set(schemas.catalogue())


def test_every_rule_is_on_the_page() -> None:
    assert set() == set(reading_rules()) - set(KEY.findall(PAGES["README"]))


@pytest.mark.parametrize("code", reading_rules())
def test_each_rule_has_texts_in_both_languages(code: str) -> None:
    rule = reading_rules()[code]
    for texts in filter(None, (rule.message, rule.consequence, rule.fix)):
        assert {"fr", "en"} == set(texts)
        fields = [{name for _, name, _, _ in Formatter().parse(text) if name is not None} for text in texts.values()]
        assert fields[0] == fields[1]
        assert all(text.endswith(".") for text in texts.values())
        assert not re.search(r"[^ \u00a0] [:;?!»]|« ", texts["fr"]), "French signs need a no-break space"


def test_the_page_says_the_limits_that_hold() -> None:
    """[FMT-005]"""
    for limit in (ITEM_CHARACTERS, ITEM_NODES, DEPTH, FEED_ITEMS):
        assert f" {limit:,} " in PAGES["README"]


def test_the_reference_names_every_key_and_every_field_with_a_notation_of_its_own() -> None:
    """[FMT-012]: the fields of each type are in reference/offer.md, of which another test holds every one."""
    listed = set(KEY.findall(FENCED.sub("", PAGES["mapping"])))
    assert set() == {name for name, field in FIELDS.items() if field not in BY_KIND.values()} - listed
    schema = schemas.schema("mapping")
    keys = {*schema["properties"], *schema["$defs"]["rule"]["properties"], *schema["$defs"]["source"]["properties"]}
    assert set() == keys - listed
    assert set() == set(schema["$defs"]["source"]["properties"]["encoding"]["enum"]) - listed
    assert set(schema["$defs"]["source"]["properties"]["encoding"]["enum"]) == set(_KNOWN.values())


def test_every_format_has_a_page_with_an_example() -> None:
    assert set(FORMATS) | {"README", "mapping"} == set(PAGES)
    assert {*FORMATS, "mapping"} == {page for page, text in PAGES.items() if EXAMPLE.search(text)}


@pytest.mark.parametrize("page", [*FORMATS, "mapping"])
def test_the_example_of_each_page_is_published(page: str) -> None:
    """[FMT-001]"""
    for example in EXAMPLE.finditer(PAGES[page]):
        mapping = load(example["form"], orjson.loads(example["mapping"]))
        offer, end = items(example["feed"].encode(), mapping)
        assert isinstance(offer, OfferItem), end
        verdict = judge(offer, revision=1, on=ON)
        assert verdict.accepted, [problem.to_json() for problem in verdict.problems]


def test_an_alternative_spelling_in_the_reference_is_really_read() -> None:
    """[FMT-008]: the example of the reference, value by value."""
    example = EXAMPLE.search(PAGES["mapping"])
    assert example is not None
    offer, _ = items(example["feed"].encode(), load("json", orjson.loads(example["mapping"])))
    assert isinstance(offer, OfferItem)
    assert {
        "id": "bretagne:4711",
        "title": "Découverte de la menuiserie",
        "description": "Observer.\n\n- le dessin\n- la pose",
        "employer": {"name": "Atelier du Port"},
        "location": {"postal_code": "83500", "city": "LA SEYNE SUR MER"},
        "levels": ["troisieme", "seconde"],
        "weeks": ["2027-W24", "2027-W25"],
        "sector": "s24",
        "apply_url": "https://stages.example.fr/offre/4711",
        "redistribution": {"national": True},
        "extensions": {"bretagne": {"agence": "Var"}},
    } == offer.document
    assert ["field-left-out"] == [problem.code for problem in offer.problems]
