"""Levels and restrictions: restrictions that need a level (OFR-033), and the schools' UAI codes."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from schemas.rulebook import Problem, problem
from schemas.territory import Territory

_UAI_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
COLLEGE = frozenset({"quatrieme", "troisieme"})


def find(offer: Mapping[str, Any], _on: date, _territory: Territory | None) -> list[Problem]:
    """Restrictions that no pupil of the offer's levels can meet."""
    restrictions, levels = offer.get("restrictions"), offer.get("levels")
    found: list[Problem] = []
    if not restrictions or not levels:
        return found
    if restrictions.get("rep") and COLLEGE.isdisjoint(levels):
        found.append(problem("rep-without-college", pointer="/restrictions/rep", expected=sorted(COLLEGE)))
    if restrictions.get("qpv") and "seconde" not in levels:
        found.append(problem("qpv-without-seconde", pointer="/restrictions/qpv", expected="seconde"))
    return found


def find_schools(offer: Mapping[str, Any], _on: date, _territory: Territory | None) -> list[Problem]:
    """UAI codes with a wrong check letter."""
    if "restrictions" not in offer:
        return []
    return [
        problem("uai-checksum", pointer=f"/restrictions/schools/{index}", actual=uai)
        for index, uai in enumerate(offer["restrictions"].get("schools", ()))
        if not is_uai(uai)
    ]


def is_uai(code: str) -> bool:
    """Whether the check letter of a school's code fits its seven digits (modulo 23, no I, O or Q)."""
    return _UAI_LETTERS[int(code[:7]) % 23] == code[7]
