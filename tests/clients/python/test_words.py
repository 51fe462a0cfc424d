"""The texts of the client: both languages, with the same values, each used, and each error with its next step."""

import ast
import json
import re
from pathlib import Path
from string import Formatter

import passerelle_client

PACKAGE = Path(passerelle_client.__file__).parent
TEXTS: dict[str, dict[str, str]] = json.loads((PACKAGE / "words.json").read_text())


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_have_the_same_values() -> None:
    assert [] == [code for code, text in TEXTS.items() if fields(text["fr"]) != fields(text["en"])]


def test_each_text_is_used_and_each_error_has_its_next_step() -> None:
    strings = {
        node.value
        for path in PACKAGE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    made = {"refused-401", "refused-403", *(code for code in TEXTS if code.startswith("verdict-"))}
    assert set() == {code for code in TEXTS if not code.endswith("-step")} - strings - made
    errors = {code.removesuffix("-step") for code in TEXTS if code.endswith("-step")}
    assert errors <= TEXTS.keys()


def test_french_has_the_apostrophe_and_the_spaces_of_french() -> None:
    wrong = re.compile(r"'|[^ \u00a0\u202f/:p][;:?!](?:\s|$)")
    assert [] == [code for code, text in TEXTS.items() if wrong.search(text["fr"].replace("https:", ""))]
