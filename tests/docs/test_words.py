"""The words that docs/glossary.md retires do not come back: neither in names nor in prose, log events or texts."""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs/glossary.md"
CODE = ("schemas", "gateway", "adapters", "conformance", "clients", "demo", "bench", "requirements", "tests")
TEXTS = ("schemas", "gateway", "adapters", "conformance", "clients", "demo")
NORMATIVE = frozenset({"schemas/requirements.json"})
"""The sentences of docs/protocol.md, whose words are the protocol's."""
PAGES = (
    "docs/architecture.md",
    "docs/maintainers.md",
    "docs/glossary.md",
    "docs/national.md",
    "docs/install.md",
    "docs/run.md",
    "docs/mend.md",
    "docs/README.md",
    "docs/performance.md",
    "docs/publisher.md",
    "docs/subscriber.md",
    "CONTRIBUTING.md",
    "THREAT_MODEL.md",
    "Makefile",
    "pyproject.toml",
    "requirements/build.in",
    "requirements/find-python",
    "requirements/lock",
)
LIBRARIES = frozenset({"unconsumed_tail"})
"""Names of the standard library."""
WIRE_KEYS = frozenset({"place", "said"})
"""Keys that others read: in records of ``rejected``, reports of the kit, problems, ``platform check --json``, answers
to orders to the national site.
"""
PRIVATE = frozenset({"asked", "said", "trouble"})
"""For what the field calls a request or criteria, a message or a text, and a problem."""
WITHOUT_PRIVATE = re.compile(
    r"(adapters|clients|conformance|demo|schemas|gateway/(api|cli|federation|mock|oauth|pages|partners)"
    r"|tests/(api|cli|clients/python|federation|formats|fuzz|national|oauth|pages|partners|profile|pull|rendering|schemas|threats|transport))/"
)
"""The folders whose names and keys hold none of these; the name of a test is a sentence."""
VERBS = frozenset({"lacks", "shrinks"})
"""Plain verbs, which are no plurals of the retired nouns."""
_SQL = re.compile(r"\b(SELECT|INSERT (OR \w+ )?INTO|CREATE (UNIQUE )?(TABLE|INDEX|TRIGGER)|UPDATE|DELETE FROM) \w")
_SQL_VALUE = re.compile(r"'[^']*'|:\w+")
_LIMIT = re.compile(r"\b_?(?:MOST(?:_[A-Z0-9_]+)?|LONGEST_[A-Z0-9_]+)\b")
_WORD = re.compile(r"[^\W\d]\w*")
PRODUCT = ("schemas", "gateway", "adapters", "conformance", "clients", "demo")
GUIDES = sorted(ROOT.glob("docs/fr/*.md"))
GENERATED = frozenset({"anomalies.md", "codes.md", "offre.md"})
"""French pages with the words of the catalogue, whose texts have a search of their own."""
_OLD_FRENCH = re.compile(r"\b(jeux? (?:in)?complets?|récépissés?)\b", re.IGNORECASE)
"""Texts for people say *liste complète* and *accusé de réception*."""
QUESTIONS = frozenset({"How", "What", "When", "Where", "Which", "Who", "Whose", "Why"})
LOGGERS = frozenset({"log", "logger", "_log", "_logger"})


def retired() -> dict[str, list[str]]:
    """The retired words by section of the page: under `Names` identifiers, under `Prose` phrases."""
    sections: dict[str, list[str]] = {}
    name = ""
    for line in GLOSSARY.read_text().splitlines():
        if line.startswith("## "):
            name = line[3:]
        elif name.startswith("Retired") and line.startswith("| `"):
            sections.setdefault(name, []).append(line.split("`")[1])
    return sections


def pieces(name: str) -> list[str]:
    """The words of an identifier: `log_offset` and `LogOffset` are two."""
    return [one.lower() for one in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


@cache
def is_retired(name: str, words: frozenset[str]) -> bool:
    """Whether an identifier holds one of the words, in the singular or in the plural."""
    return any((one in words or one.removesuffix("s") in words) and one not in VERBS for one in pieces(name))


def names(source: str) -> Iterator[tuple[int, str]]:
    """Every name with its line. Left out are keywords of calls: a placeholder of a packaged text, or a key of a log
    line; where they are parameters of our own, their definition is found.
    """
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if token.type == tokenize.NAME and not (before.string in {"(", ","} and after.string == "="):
            yield token.start[0], token.string


def prose(source: str) -> Iterator[tuple[int, str]]:
    """Docstrings and comments, line by line, without code in backticks. A string that is a value is no prose."""
    fresh = True
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], _plain(token.string)
        elif token.type == tokenize.STRING and fresh and token.string.startswith(('"""', 'r"""')):
            for number, line in enumerate(token.string.splitlines()):
                yield token.start[0] + number, _plain(line)
        fresh = token.type in {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.NL, tokenize.COMMENT} or (
            fresh and token.type == tokenize.ENCODING
        )


def events(source: str) -> Iterator[tuple[int, str]]:
    """The names of log events: first arguments of a logger's methods."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=logger) | ast.Attribute(attr=logger)),
                args=[ast.Constant(value=str(event)), *_],
            ) if logger in LOGGERS:
                yield node.lineno, event


def statements(source: str) -> Iterator[tuple[int, str]]:
    """The names in SQL: of tables, columns, indexes and triggers."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant | ast.JoinedStr) and _SQL.search(text := _text_of(node)):
            for name in _WORD.findall(_SQL_VALUE.sub("", text)):
                yield node.lineno, name


def keys(source: str) -> Iterator[tuple[int, str]]:
    """The keys of mappings that are written out."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            for key in node.keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.isidentifier():
                    yield key.lineno, key.value


def _text_of(node: ast.Constant | ast.JoinedStr) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(one.value for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str))


def english(value: Any, *, inside: bool = False) -> Iterator[str]:
    """The English texts of a packaged file: every text below a member `en`."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from english(inner, inside=inside or key == "en")
        case list():
            for inner in value:
                yield from english(inner, inside=inside)
        case str() if inside:
            yield value


def _plain(line: str) -> str:
    return re.sub(r"`+[^`]*`+", "", line)


@cache
def phrases() -> re.Pattern[str]:
    return re.compile("|".join(rf"\b{re.escape(one)}s?\b" for one in retired()["Retired in prose"]), re.IGNORECASE)


@cache
def words() -> frozenset[str]:
    return frozenset(retired()["Retired names"])


@cache
def modules() -> dict[Path, str]:
    """The text of each module."""
    return {path: path.read_text() for path in sorted(path for top in CODE for path in (ROOT / top).rglob("*.py"))}


@cache
def product() -> list[tuple[str, ast.AST]]:
    """The path of each module of the product with each node of its tree."""
    return [
        (path.relative_to(ROOT).as_posix(), node)
        for path, source in modules().items()
        if path.relative_to(ROOT).parts[0] in PRODUCT
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef | ast.Expr)
    ]


def suspected() -> Iterator[tuple[Path, str]]:
    """The modules that hold a retired word anywhere, most often in a string: only they are read token by token."""
    unwanted = words()
    for path, source in modules().items():
        if any(is_retired(one, unwanted) for one in set(_WORD.findall(source))):
            yield path, source


def test_the_page_lists_what_is_retired() -> None:
    found = retired()
    assert {"Retired names", "Retired in prose", "Retired in French"} == set(found)
    assert all(found.values())


def test_no_name_holds_a_retired_word() -> None:
    bad, unwanted = [], words()
    for path in modules():
        where = path.relative_to(ROOT)
        bad += [f"{where}: file name" for one in (*where.parts[:-1], path.stem) if is_retired(one, unwanted)]
    bad += [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path, source in suspected()
        for line, name in names(source)
        if name not in LIBRARIES and is_retired(name, unwanted)
    ]
    assert [] == bad, "\n".join(["docs/glossary.md names the word to take:", *bad])


def test_no_name_or_key_of_some_folders_holds_a_private_word() -> None:
    bad = [
        f"{where}:{line}: {name}"
        for path, source in modules().items()
        if WITHOUT_PRIVATE.match(where := path.relative_to(ROOT).as_posix())
        if any(word in source.lower() for word in PRIVATE)
        for line, name in (*names(source), *((line, key) for line, key in keys(source) if key not in WIRE_KEYS))
        if not name.startswith("test_") and is_retired(name, PRIVATE)
    ]
    assert [] == bad, "\n".join(bad)


def test_every_limit_is_named_max() -> None:
    bad = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path, source in modules().items()
        if _LIMIT.search(source)
        for line, name in names(source)
        if _LIMIT.fullmatch(name)
    ]
    assert [] == bad, "\n".join(bad)


def test_no_docstring_or_comment_holds_a_retired_phrase() -> None:
    pattern = phrases()
    bad = [
        f"{path.relative_to(ROOT)}:{line}: {text.strip()}"
        for path, source in modules().items()
        if pattern.search(source)
        for line, text in prose(source)
        if pattern.search(text)
    ]
    assert [] == bad, "\n".join(["docs/glossary.md says what to write:", *bad])


def test_no_log_event_holds_a_retired_word() -> None:
    unwanted = words()
    bad = [
        f"{path.relative_to(ROOT)}:{line}: {event}"
        for path, source in suspected()
        for line, event in events(source)
        if is_retired(event, unwanted)
    ]
    assert [] == bad, "\n".join(["docs/glossary.md names the word to take:", *bad])


def test_no_name_in_sql_holds_a_retired_word() -> None:
    unwanted = words()
    bad = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path, source in suspected()
        if path.relative_to(ROOT).parts[0] in PRODUCT
        for line, name in statements(source)
        if is_retired(name, unwanted)
    ]
    assert [] == bad, "\n".join(["docs/glossary.md names the word to take:", *bad])


def test_no_key_holds_a_retired_word() -> None:
    unwanted = words()
    bad = [
        f"{path.relative_to(ROOT)}:{line}: {key}"
        for path, source in suspected()
        if path.relative_to(ROOT).parts[0] in PRODUCT
        for line, key in keys(source)
        if key not in WIRE_KEYS and is_retired(key, unwanted)
    ]
    assert [] == bad, "\n".join(["docs/glossary.md names the word to take:", *bad])


def test_no_english_text_holds_a_retired_phrase() -> None:
    """Placeholders included, as far as their name is such a word."""
    pattern = phrases()
    bad = [
        f"{where}: {text}"
        for top in TEXTS
        for path in sorted((ROOT / top).rglob("*.json"))
        if (where := path.relative_to(ROOT).as_posix()) not in NORMATIVE
        for text in english(json.loads(path.read_text()))
        if pattern.search(_plain(text))
    ]
    assert [] == bad, "\n".join(["docs/glossary.md says what to write:", *bad])


@pytest.mark.parametrize(
    "page",
    [
        *PAGES,
        *(f"docs/adr/{path.name}" for path in sorted((ROOT / "docs/adr").glob("*.md"))),
        *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "tests").glob("*/README.md"))),
    ],
)
def test_no_page_for_maintainers_holds_a_retired_phrase(page: str) -> None:
    pattern = phrases()
    lines = (ROOT / page).read_text().splitlines()
    retired_table = page == "docs/glossary.md"
    bad = [
        f"{page}:{number}: {line.strip()}"
        for number, line in enumerate(lines, 1)
        if not (retired_table and line.startswith("|")) and pattern.search(_plain(line))
    ]
    assert [] == bad, "\n".join(bad)


def test_the_lint_finds_names_and_prose() -> None:
    source = '"""It stands here."""\n\nkeeper_of = 1  # what was told\n'
    assert [(1, '"""It stands here."""'), (3, "# what was told")] == list(prose(source))
    name = next(names(source))[1]
    assert ["keeper", "of"] == pieces(name)
    assert is_retired(name, words())


def test_the_lint_finds_plurals_events_and_texts() -> None:
    assert is_retired("all_places", words())
    assert phrases().search("two twins")
    assert [(1, "relay.chores_done")] == list(events('self._log.info("relay.chores_done", number=1)'))
    assert ["a", "b"] == list(english({"x": {"fr": "c", "en": "a"}, "en": {"y": ["b"]}}))


def test_no_two_classes_have_one_name() -> None:
    """But for those of the client, which is for programs that know none of ours."""
    found: dict[str, list[str]] = {}
    for where, node in product():
        if isinstance(node, ast.ClassDef) and not str(where).startswith("clients/"):
            found.setdefault(node.name, []).append(f"{where}:{node.lineno}")
    assert {} == {name: lines for name, lines in found.items() if len(lines) > 1}


def test_no_docstring_begins_with_a_question_word() -> None:
    """The thing is the subject: a noun, or the verb of what a function does."""
    bad = [
        f"{where}:{node.lineno}: {text}"
        for where, node in product()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for text in [str(node.value.value)]
        if text.partition(" ")[0].rstrip(":") in QUESTIONS
    ]
    assert [] == bad, "\n".join(bad)


@pytest.mark.parametrize("path", [one for one in GUIDES if one.name not in GENERATED], ids=lambda path: path.name)
def test_a_french_guide_has_the_words_of_the_pages(path: Path) -> None:
    assert [] == _OLD_FRENCH.findall(re.sub(r"`[^`]*`", "", path.read_text()))
