"""Renders the table of the site's checks into ``docs/national.md``: ``python -m tests.national.site.site_table``."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "docs/national.md"
BEGIN = "<!-- site checks: rendered from adapters/national/mapping/site_checks.json -->"
END = "<!-- end of site checks -->"
RULES = ("refused", "not_deliverable", "mapped", "reason")


def read_table() -> Mapping[str, Any]:
    """The table packaged with the connector."""
    table: Mapping[str, Any] = json.loads(
        files("adapters.national.mapping").joinpath("site_checks.json").read_text(encoding="utf-8")
    )
    return table


def render(table: Mapping[str, Any]) -> str:
    """The section of the page between its two marks."""
    lines = [
        BEGIN,
        "| the site checks | where (`app/` of its code) | the gateway |",
        "|---|---|---|",
        *(f"| {row['checks']} | `{row['where']}` | {_rule(row)} |" for row in table["checks"]),
        "",
        "What the site would take and the gateway does not deliver:",
        "",
        "| code | why |",
        "|---|---|",
        *(f"| `{row['code']}` | {row['why']} |" for row in table["ours"]),
        "",
        "What the site takes without a check:",
        "",
        "| what | the gateway |",
        "|---|---|",
        *(f"| {row['what']} | {row['here']} |" for row in table["takes"]),
        "",
        "What the site changes in what it took:",
        "",
        "| what | how | the gateway |",
        "|---|---|---|",
        *(f"| {row['what']} | {row['how']} | {row['here']} |" for row in table["changes"]),
        END,
    ]
    return "\n".join(lines)


def _rule(row: Mapping[str, Any]) -> str:
    """The gateway's handling of one check."""
    if "refused" in row:
        return f"the verdict refuses the offer: `{row['refused']}`"
    if "not_deliverable" in row:
        return f"not delivered: `{row['not_deliverable']}`"
    return str(row["mapped"] if "mapped" in row else row["reason"])


def section(page: str) -> str:
    """The rendered section of a page, marks included."""
    return page[page.index(BEGIN) : page.index(END) + len(END)]


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(text.replace(section(text), render(read_table())), encoding="utf-8")
