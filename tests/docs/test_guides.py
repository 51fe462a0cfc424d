"""The French guides say what the English ones say: same headings, same examples, same tables, same names."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
FENCE = re.compile(r"^```(?P<language>[a-z]*)\n(?P<body>.*?)^```\n", re.DOTALL | re.MULTILINE)
PAIRS = {
    "fr/emetteur.md": "publisher.md",
    "fr/abonne.md": "subscriber.md",
    "fr/raccorder.md": "connect.md",
    "fr/installer.md": "install.md",
    "fr/exploiter.md": "run.md",
    "fr/reparer.md": "mend.md",
    "fr/essai.md": "mock.md",
    "fr/client.md": "client.md",
}
TRANSLATED = {"passerelle validate FICHIER": "passerelle validate FILE"}
"""Names that a French reader gets in French."""


def prose(page: str) -> str:
    """A page without examples and without the summary in the other language."""
    text = FENCE.sub("", (DOCS / page).read_text())
    return re.sub(r"^\*\*(?:In brief|En bref)\..*?\n\n", "", text, flags=re.DOTALL | re.MULTILINE)


def examples(page: str) -> list[str]:
    """What a reader copies: comments and the texts of echo are in the page's language."""
    found = []
    for one in FENCE.finditer((DOCS / page).read_text()):
        body = re.sub(r"(\|\| echo|\s+#).*", "", one["body"])
        if one["language"] or body.startswith(("passerelle", "DATA=")):
            found.append(body)
    return found


def names(page: str) -> set[str]:
    """Everything in backticks."""
    return {TRANSLATED.get(name, name) for name in re.findall(r"`([^`\n]+)`", prose(page))}


@pytest.mark.parametrize(("french", "english"), PAIRS.items())
def test_headings_are_of_the_same_levels_in_the_same_order(french: str, english: str) -> None:
    levels = [re.findall(r"^(#+ (?:\d\.)?)", prose(page), re.MULTILINE) for page in (french, english)]
    assert len(levels[0]) > 5
    assert levels[0] == levels[1]


@pytest.mark.parametrize(("french", "english"), PAIRS.items())
def test_examples_are_the_same(french: str, english: str) -> None:
    """tests/docs/test_examples.py runs those of the English pages."""
    assert examples(french)
    assert examples(french) == examples(english)


@pytest.mark.parametrize(("french", "english"), PAIRS.items())
def test_tables_have_the_same_number_of_rows(french: str, english: str) -> None:
    counts = [len(re.findall(r"^\|", prose(page), re.MULTILINE)) for page in (french, english)]
    assert counts[0] == counts[1]


@pytest.mark.parametrize(("french", "english"), PAIRS.items())
def test_the_same_names_are_explained(french: str, english: str) -> None:
    assert names(french) == names(english)


@pytest.mark.parametrize("page", sorted({path.name for path in (DOCS / "fr").glob("*.md")} - {"codes.md"}))
def test_french_prose_has_no_typewriters_apostrophe(page: str) -> None:
    """The names on codes.md are spelt as their sources spell them."""
    text = re.sub(r"`[^`\n]*`", "", prose(f"fr/{page}"))
    assert [] == re.findall(r".*\w'\w.*", text)
