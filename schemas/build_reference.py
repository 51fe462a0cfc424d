"""Writes the pages that are generated from data: ``python -m schemas.build_reference``. A test compares them."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import orjson

from schemas.bundle import bundled_schema
from schemas.codelist import reference, sectors_by_naf

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
    divisions = _divisions()
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


def profile_schema() -> str:
    """``docs/formats/profile.schema.json``."""
    return orjson.dumps(bundled_schema("profile"), option=orjson.OPT_INDENT_2).decode() + "\n"


PAGES: Mapping[str, str] = {
    "docs/reference/sectors.md": "sectors_page",
    "docs/formats/profile.schema.json": "profile_schema",
}
"""Each page with the name of the function that generates it."""


def _divisions() -> Mapping[str, str]:
    """The NAF divisions of each sector; in brackets, those with classes of other sectors as well."""
    sectors: dict[str, set[str]] = {}
    for naf, sector in sectors_by_naf().items():
        sectors.setdefault(sector, set()).add(naf[:2])
    shared = Counter(division for divisions in sectors.values() for division in divisions)
    return {
        sector: ", ".join(one if shared[one] == 1 else f"({one})" for one in sorted(divisions))
        for sector, divisions in sectors.items()
    }


def main() -> None:
    """Write every page."""
    for path, name in PAGES.items():
        page = ROOT / path
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(globals()[name](), encoding="utf-8")


if __name__ == "__main__":
    main()
