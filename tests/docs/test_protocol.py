"""The normative page, the catalogue of rules and the tests name the same requirements."""

import re
from collections import Counter
from pathlib import Path

import schemas

ROOT = Path(__file__).parents[2]
ID = re.compile(r"\b(?:OFR|IDN|PUB|REV|WDR|FEED|DIG|PSH|RTE|RCP|ERR|SEC|CER|NAT|EVO)-[0-9]{3}\b")
SENTENCE = re.compile(r"^- .*`\[([A-Z]+-[0-9]{3})\]`\.$", re.MULTILINE)


def normative() -> list[str]:
    return SENTENCE.findall((ROOT / "docs/protocol.md").read_text())


def named_in_tests() -> set[str]:
    texts = (path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    return {found for text in texts for found in ID.findall(text)}


def test_every_requirement_has_one_sentence() -> None:
    assert [name for name, count in Counter(normative()).items() if count > 1] == []


def test_every_requirement_is_named_by_a_test() -> None:
    assert sorted(set(normative()) - named_in_tests()) == []


def test_the_tests_name_no_requirement_that_does_not_exist() -> None:
    assert sorted(named_in_tests() - set(normative())) == []


def test_every_rule_of_the_catalogue_serves_a_requirement() -> None:
    assert sorted({rule.requirement for rule in schemas.catalogue().values()} - set(normative())) == []
