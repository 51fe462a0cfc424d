"""French texts use the typographic apostrophe, like the kit's."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path for part in ("adapters", "conformance", "gateway", "schemas") for path in (ROOT / part).rglob("*.json")
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
        "adapters/formats/problems.json",
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
