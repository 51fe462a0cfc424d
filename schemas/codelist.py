"""Code lists, rules and calendars in the form that partners read, each with version, source and licence."""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

from schemas.packaged import names, read_json
from schemas.rulebook import RULES_VERSION, catalogue

LISTS = ("sectors", "regions", "departments", "academies")


@cache
def reference(name: str) -> dict[str, Any]:
    """One of ``sectors``, ``regions``, ``departments``, ``academies``, ``rules``, ``calendar``: an object with
    ``version``, ``source``, ``licence`` and ``items``. Raises KeyError. Cached: do not modify.
    """
    if name in LISTS:
        listed: dict[str, Any] = read_json("codes", f"{name}.json")
        return listed
    if name == "rules":
        return {
            "version": RULES_VERSION,
            "source": "docs/protocol.md",
            "licence": "EUPL-1.2",
            "items": [_rule(code) for code in sorted(catalogue())],
        }
    if name == "calendar":
        return {
            "version": names("calendar", ".json")[-1],
            "source": "named in each item, with a mark: S read there, I inferred",
            "licence": "facts of public calendars",
            "items": [read_json("calendar", f"{year}.json") for year in names("calendar", ".json")],
        }
    raise KeyError(name)


def _rule(code: str) -> dict[str, Any]:
    rule = catalogue()[code]
    body: dict[str, Any] = {"code": code, "requirement": rule.requirement, "severity": rule.severity}
    if rule.error_from is not None:
        body["error_from"] = rule.error_from.isoformat()
    body.update(message=dict(rule.message), fix=dict(rule.fix))
    if rule.consequence is not None:
        body["consequence"] = dict(rule.consequence)
    return body


@cache
def sectors_by_naf() -> Mapping[str, str]:
    """The national site's sector of every NAF rev. 2 code. Cached: do not modify."""
    items: dict[str, str] = read_json("codes", "naf.json")["items"]
    return items


def divisions_by_sector() -> Mapping[str, str]:
    """The NAF divisions of each sector, comma-separated; in brackets, those with classes of other sectors as well."""
    sectors: dict[str, set[str]] = {}
    for naf, sector in sectors_by_naf().items():
        sectors.setdefault(sector, set()).add(naf[:2])
    shared = Counter(division for divisions in sectors.values() for division in divisions)
    return {
        sector: ", ".join(one if shared[one] == 1 else f"({one})" for one in sorted(divisions))
        for sector, divisions in sectors.items()
    }


def sector_of(naf: str) -> str | None:
    """The national site's sector (``s1``…``s51``) for a NAF rev. 2 code such as ``62.01Z``; None for unknown codes."""
    return sectors_by_naf().get(naf)
