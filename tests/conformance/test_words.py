"""Words: what a partner reads is in both languages and in one file, not in the code."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.words import both, joined, plain, say, words
from schemas.rulebook import LANGUAGES

ROOT = Path(__file__).parents[2] / "conformance"
SHELL = ("packaging", "build_requirements.py")
"""Modules that partners never run."""
OURS = {"CaseError", "ValueError", "TypeError", "KeyError"}
"""Errors that only a maintainer of the kit can cause."""
MACHINES = re.compile(r"[<=]|--|^\[|^Bearer |^passerelle-conformance ")
"""Patterns of text written for a machine: markup, TOML, a shell's line, a header."""
NAMES = {"conformance.toml", "export "}
SAME = {"judged", "version-found", "at-page", "the-versions"}
"""Texts whose words are the same in French and English."""


def modules() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.py")) if path.relative_to(ROOT).parts[0] not in SHELL]


def calls(path: Path, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def names_in(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_the_code_uses_exactly_the_codes_of_the_file() -> None:
    said = set()
    for path in modules():
        for call in calls(path, "say"):
            code = call.args[0]
            assert isinstance(code, ast.Constant), f"{path}:{call.lineno}: a code is written out where it is said"
            said.add(code.value)
    for template in ROOT.rglob("*.html"):
        said |= set(re.findall(r'say\("([^"]+)"', template.read_text(encoding="utf-8")))
    assert said == set(words())


def test_every_text_gets_the_values_that_it_names() -> None:
    for path in modules():
        for call in calls(path, "say"):
            given = {each.arg for each in call.keywords}
            if None not in given:
                assert isinstance(call.args[0], ast.Constant)
                wanted = [names_in(text) for text in words()[str(call.args[0].value)].values()]
                assert [given, given] == wanted, f"{path}:{call.lineno}"


@pytest.mark.parametrize("code", words())
def test_a_text_is_in_both_languages_with_the_same_values(code: str) -> None:
    text = words()[code]
    assert set(LANGUAGES) == set(text)
    assert [] == [language for language in LANGUAGES if not text[language].strip()]
    assert names_in(text["fr"]) == names_in(text["en"])
    letters = re.sub(r"\{[^}]*\}", "", text["en"])
    assert text["fr"] != text["en"] or not re.search("[a-z]{4}", letters) or code in SAME


def internal_messages(tree: ast.AST) -> set[int]:
    """The docstrings, and the messages of our own errors."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant() as text):
                found.add(id(text))
            case ast.Raise(exc=ast.Call(func=ast.Name(id=name)) as call) if name in OURS:
                found |= {id(each) for each in ast.walk(call)}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_code_holds_no_text(path: Path) -> None:
    """Two words in a row are a text."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    passed = internal_messages(tree)
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed
    ]
    assert [] == [
        text for text in texts if re.search(r"[a-zé]{2,}[,:]? [a-zé]{2,}", text) and not MACHINES.search(text)
    ]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_plain_texts_hold_no_word(path: Path) -> None:
    texts = [call.args[0] for call in calls(path, "plain")]
    parts = [part for text in texts for part in (text.values if isinstance(text, ast.JoinedStr) else [text])]
    written = [str(part.value) for part in parts if isinstance(part, ast.Constant)]
    assert [] == [part for part in written if re.search("[a-z]{3}", part) and part not in NAMES]


def test_values_that_are_texts_are_inserted_per_language() -> None:
    assert {"fr": "étape 1 : code d’état", "en": "step 1: status"} == say("at-status", location=say("step", number=1))


def test_an_unknown_code_or_a_missing_value_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        say("no-such-code")
    with pytest.raises(KeyError):
        say("step")


def test_texts_are_joined_in_both_languages() -> None:
    assert {"fr": "rien, x", "en": "nothing, x"} == joined((say("nothing"), plain("x")), ", ")
    assert ("x", "rien / nothing") == (both(plain("x")), both(say("nothing")))
