"""View model of the code lists: rows in words, with their number; of NAF and of the communes, the number alone."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from gateway.pages.base.markup import coded
from schemas.codelist import divisions_by_sector, reference
from schemas.reference_pages import code_lists
from schemas.rulebook import Language

SERVED = ("sectors", "regions", "departments")
"""The lists that ``GET /v1/reference/{list}`` gives as JSON."""


@cache
def list_views(language: Language, divisions_head: str) -> Sequence[Mapping[str, Any]]:
    """Every list that fits a page. The sectors have a column more: the NAF divisions that lead to each.
    ``served``: whether the gateway gives a list as JSON.
    """
    views = []
    for listed in code_lists(language):
        heads = [head[:1].upper() + head[1:] for head in listed.heads]
        rows = [[coded(cell) for cell in row] for row in listed.rows]
        if listed.name == "sectors":
            heads.append(divisions_head)
            divisions = divisions_by_sector()
            codes = (item["code"] for item in reference("sectors")["items"])
            rows = [[*row, coded(divisions.get(code, ""))] for row, code in zip(rows, codes, strict=True)]
        common = {"name": listed.name, "title": listed.title, "used": coded(listed.used), "source": listed.source}
        views.append({**common, "heads": heads, "rows": rows, "served": listed.name in SERVED})
    return views
