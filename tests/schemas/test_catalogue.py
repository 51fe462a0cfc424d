"""The catalogue: every code used exists, its texts are complete in both languages, its requirement is known."""

import re
from pathlib import Path
from string import Formatter
from typing import Any

import orjson
import pytest

import schemas
from schemas.failure import value_meant

PACKAGE = Path(schemas.__file__).parent
OFFER_CODES = orjson.loads((PACKAGE / "catalogue" / "offer.json").read_bytes())


def sources() -> str:
    return "\n".join(path.read_text() for path in [*PACKAGE.glob("*.py"), *PACKAGE.glob("rules/*.py")])


def test_every_code_of_the_sources_is_in_the_catalogue() -> None:
    named = set(re.findall(r'problem\(\s*"([^"]+)"', sources())) | set(
        re.findall(r'code(?:, actual)? = "([^"]+)"', sources())
    )
    assert named - set(schemas.catalogue()) == set()


def test_every_code_of_the_catalogue_is_used() -> None:
    text = sources()
    assert [code for code in OFFER_CODES if f'"{code}"' not in text] == []


def test_an_unknown_code_raises_at_once() -> None:
    with pytest.raises(KeyError):
        schemas.problem("no-such-code")


@pytest.mark.parametrize("code", OFFER_CODES)
def test_each_rule_speaks_both_languages(code: str) -> None:
    """OFR-038"""
    rule = schemas.catalogue()[code]
    assert re.fullmatch(r"(?:OFR|NAT|IDN|SEC)-[0-9]{3}", rule.requirement)
    for texts in filter(None, (rule.message, rule.consequence, rule.fix)):
        assert set(texts) == {"fr", "en"}
        fields = [{name for _, name, _, _ in Formatter().parse(text) if name is not None} for text in texts.values()]
        shared = {name.removesuffix("_fr") for name in fields[0]}
        assert shared == {name.removesuffix("_en") for name in fields[1]}
        assert all(text.endswith(".") for text in texts.values())
        assert not re.search(r"[^ \u00a0] [:;?!»]|« ", texts["fr"]), "French signs need a no-break space"


def test_requirements_have_their_sentence() -> None:
    """Each id that a rule names is in one sentence of the protocol."""
    docs = Path(schemas.__file__).parents[1] / "docs"
    pages = [docs / "protocol-offer.md", docs / "protocol.md"]
    text = "\n".join(page.read_text() for page in pages if page.exists())
    assert {entry["requirement"] for entry in OFFER_CODES.values()} - set(
        re.findall(r"\[([A-Z]{3,4}-[0-9]{3})\]", text)
    ) == set()


def test_a_problem_is_written_in_both_languages_and_read_in_one() -> None:
    """OFR-038"""
    body = schemas.problem("too-long", pointer="/title", expected=150, actual=151).to_json()
    assert set(body) == {"code", "requirement", "severity", "pointer", "message", "expected", "actual", "fix"}
    assert (body["requirement"], body["severity"], body["expected"], body["actual"]) == ("OFR-006", "error", 150, 151)
    french, english = schemas.localized(body, "fr"), schemas.localized(body, "en")
    assert (french["message"], english["message"]) == (
        "Le texte a 151 caractères ; la limite est de 150.".replace(" ;", "\u00a0;"),
        "The text has 151 characters; the limit is 150.",
    )
    assert english["code"] == "too-long"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
        ("a\tb\u202e\u00a0", "a\\u0009b\\u202e\u00a0"),
        ("jean@exemple.fr", "[…]"),
        ("x" * 70 + " jean.dupont@exemple.fr", "x" * 70 + " […]"),
        ({"a": 1}, "{…}"),
        ([1], "[…]"),
        (7, 7),
        (None, None),
        (True, True),
    ],
)
def test_what_a_problem_shows_is_capped(value: Any, expected: Any) -> None:
    """OFR-038"""
    assert schemas.problem("invalid", actual=value, keyword="x").actual == expected


@pytest.mark.parametrize(
    ("sent", "near"),
    [("Santé", "s43"), ("informatique et réseaux", "s31"), ("Health", "s43"), ("s052", "s5"), ("animaux", None)],
)
def test_the_value_that_is_nearest_to_a_name_of_a_sector_is_its_code(sent: str, near: str | None) -> None:
    """OFR-008"""
    assert near == value_meant(sent, [item["code"] for item in schemas.reference("sectors")["items"]])
