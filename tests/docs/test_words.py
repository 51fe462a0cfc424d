"""The words that docs/glossary.md retires do not come back: neither in names nor in prose."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs/glossary.md"
CODE = ("schemas", "gateway", "adapters", "conformance", "bench")
PAGES = (
    "docs/architecture.md",
    "docs/maintainers.md",
    "docs/glossary.md",
    "docs/national.md",
    "docs/operations.md",
    "docs/performance.md",
    "CONTRIBUTING.md",
    "THREAT_MODEL.md",
)
LIBRARIES = frozenset({"unconsumed_tail"})
"""Names of the standard library."""


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


def _plain(line: str) -> str:
    return re.sub(r"`+[^`]*`+", "", line)


def phrases() -> re.Pattern[str]:
    return re.compile("|".join(rf"\b{re.escape(one)}\b" for one in retired()["Retired in prose"]), re.IGNORECASE)


def modules() -> list[Path]:
    return sorted(path for top in CODE for path in (ROOT / top).rglob("*.py"))


def test_the_page_lists_what_is_retired() -> None:
    found = retired()
    assert {"Retired names", "Retired in prose"} == set(found)
    assert all(found.values())


def test_no_name_holds_a_retired_word() -> None:
    words = set(retired()["Retired names"])
    bad = []
    for path in modules():
        where = path.relative_to(ROOT)
        bad += [f"{where}: file name" for one in (*where.parts[:-1], path.stem) if words & set(pieces(one))]
        bad += [
            f"{where}:{line}: {name}"
            for line, name in names(path.read_text())
            if name not in LIBRARIES and words & set(pieces(name))
        ]
    assert [] == bad, "\n".join(["docs/glossary.md names the word to take:", *bad])


def test_no_docstring_or_comment_holds_a_retired_phrase() -> None:
    pattern = phrases()
    bad = [
        f"{path.relative_to(ROOT)}:{line}: {text.strip()}"
        for path in modules()
        for line, text in prose(path.read_text())
        if pattern.search(text)
    ]
    assert [] == bad, "\n".join(["docs/glossary.md says what to write:", *bad])


@pytest.mark.parametrize(
    "page", [*PAGES, *(f"docs/adr/{path.name}" for path in sorted((ROOT / "docs/adr").glob("*.md")))]
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
    assert ["keeper", "of"] == pieces(next(names(source))[1])
