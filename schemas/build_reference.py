"""Writes the pages that are generated from data: ``python -m schemas.build_reference``. A test compares them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from schemas.bundle import bundled_schema
from schemas.codelist import divisions_by_sector, reference
from schemas.contract import asyncapi_document, openapi_document
from schemas.reference_pages import codes_page, offer_page, problems_page

ROOT = Path(__file__).parents[1]
_SECTORS_HEAD = """# The 51 sectors

**En bref.** Les 51 secteurs d'activité du site national. Une offre porte le code ; une correspondance peut donner le
code, le nom (sans égard à la casse, aux accents, aux pluriels ni aux signes) ou un code NAF. La même liste :
`passerelle reference sectors` et `GET /v1/reference/sectors`.

An offer carries the code. A mapping may give the code, the French name (without regard to case, accents, plurals and
signs) or a NAF code; [formats/mapping.md](../formats/mapping.md) says how. The English names are translations, which
nothing reads.

This page is written by `python -m schemas.build_reference` from `schemas/codes/sectors.json` and
`schemas/codes/naf.json`.

| code | secteur | in English | divisions NAF |
|---|---|---|---|
"""


def sectors_page() -> str:
    """``docs/reference/sectors.md``."""
    divisions = divisions_by_sector()
    rows = (
        f"| `{item['code']}` | {item['name']} | {item['name_en']} | {divisions.get(item['code'], '')} |\n"
        for item in reference("sectors")["items"]
    )
    body = reference("sectors")
    foot = (
        "\nDivisions are those of NAF rev. 2 whose classes lead to the sector; in brackets, those that lead to others "
        "as well."
        f"\n\nSource: {body['source']}. Version {body['version']}. Licence: {body['licence']}.\n"
    )
    return _SECTORS_HEAD + "".join(rows) + foot


def _indented(document: Mapping[str, Any]) -> str:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "docs/reference/sectors.md": sectors_page,
    "docs/formats/profile.schema.json": lambda: _indented(bundled_schema("profile")),
    "docs/contract/openapi.json": lambda: _indented(openapi_document()),
    "docs/contract/asyncapi.json": lambda: _indented(asyncapi_document()),
    "docs/reference/offer.md": lambda: offer_page("en"),
    "docs/reference/codes.md": lambda: codes_page("en"),
    "docs/reference/problems.md": lambda: problems_page("en"),
    "docs/fr/offre.md": lambda: offer_page("fr"),
    "docs/fr/codes.md": lambda: codes_page("fr"),
    "docs/fr/anomalies.md": lambda: problems_page("fr"),
}
"""Each page with the function that generates it."""


def main() -> None:
    """Write every page."""
    for path, generate in PAGES.items():
        page = ROOT / path
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(generate(), encoding="utf-8")


if __name__ == "__main__":
    main()
