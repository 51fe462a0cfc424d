"""View model of the code lists: rows in words, with their number; of NAF and of the communes, the number alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup

from gateway.pages.base.markup import coded
from schemas.codelist import divisions_by_sector, reference, sectors_by_naf
from schemas.reference_pages import code_lists
from schemas.rulebook import Language

SERVED = ("sectors", "regions", "departments")
"""The lists that ``GET /v1/reference/{list}`` gives as JSON."""


@dataclass(frozen=True, slots=True)
class ListView:
    """One list. ``served``: whether the gateway gives it as JSON."""

    name: str
    title: str
    used: Markup
    source: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Markup]]
    served: bool


@cache
def list_views(language: Language, divisions_head: str) -> Sequence[ListView]:
    """Every list that fits a page. The sectors have a column more: the NAF divisions that lead to each."""
    views = []
    for listed in code_lists(language):
        heads, rows = [_capital(head) for head in listed.heads], [[coded(cell) for cell in row] for row in listed.rows]
        if listed.name == "sectors":
            heads.append(divisions_head)
            divisions = divisions_by_sector()
            codes = (item["code"] for item in reference("sectors")["items"])
            rows = [[*row, coded(divisions.get(code, ""))] for row, code in zip(rows, codes, strict=True)]
        views.append(
            ListView(listed.name, listed.title, coded(listed.used), listed.source, heads, rows, listed.name in SERVED)
        )
    return views


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def naf_codes() -> int:
    """The number of NAF codes that lead to a sector."""
    return len(sectors_by_naf())
