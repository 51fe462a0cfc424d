"""French texts use the typographic apostrophe, like the kit's."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for part in ("adapters", "clients", "conformance", "demo", "gateway", "schemas")
    for path in (ROOT / part).rglob("*.json")
)


def french(value: Any, *, inside: bool = False) -> Iterator[str]:
    """The texts below a member named ``fr``."""
    if isinstance(value, str):
        if inside:
            yield value
    elif isinstance(value, list):
        for each in value:
            yield from french(each, inside=inside)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from french(each, inside=inside or name == "fr")


def test_the_files_with_texts_for_partners_are_checked() -> None:
    looked_at = {str(path.relative_to(ROOT)) for path in FILES if any(french(json.loads(path.read_bytes())))}
    catalogues = {f"schemas/catalogue/{name}.json" for name in ("http", "offer", "protocol")}
    kit = {f"conformance/{name}.json" for name in ("words", "uncovered")}
    adapters = {
        "adapters/transport/words.json",
        "schemas/reading.json",
        "adapters/national/mapping/refusals.json",
    }
    assert (
        set()
        == (
            catalogues
            | kit
            | adapters
            | {"schemas/oauth.json", "schemas/titles.json", "schemas/requirements.json", "gateway/words.json"}
        )
        - looked_at
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_french_text_on_file_holds_a_typewriters_apostrophe(path: Path) -> None:
    assert [] == [text for text in french(json.loads(path.read_bytes())) if "'" in text]


def retired() -> re.Pattern[str]:
    """The words that the glossary retires in French."""
    section = (ROOT / "docs/glossary.md").read_text(encoding="utf-8").partition("## Retired in French")[2]
    words = re.findall(r"^\| `([^`]+)`", section, re.MULTILINE)
    assert words
    return re.compile(rf"\b(?:{'|'.join(words)})s?\b", re.IGNORECASE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_french_text_on_file_has_a_retired_word(path: Path) -> None:
    """A character's own name is none of ours."""
    texts = [text.replace("opérateur invisible", "") for text in french(json.loads(path.read_bytes()))]
    assert [] == [text for text in texts if retired().search(text)]


PAGES = [*sorted((ROOT / "docs/fr").glob("*.md")), ROOT / "schemas/openapi.yaml", ROOT / "schemas/asyncapi.yaml"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_french_page_has_a_retired_word(path: Path) -> None:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    assert [] == [f"{number}: {line}" for number, line in lines if retired().search(line)]
