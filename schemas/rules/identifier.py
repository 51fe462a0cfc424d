"""Public identifiers: check digits of SIRET numbers (OFR-014) and of schools' UAI codes, known NAF codes (OFR-015)."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from schemas.codelist import sector_of
from schemas.rulebook import Problem, problem
from schemas.territory import Territory

LA_POSTE = "356000000"
LA_POSTE_HEAD = "35600000000048"
_UAI_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_DOUBLED = tuple(sum(divmod(2 * digit, 10)) for digit in range(10))


def find_employer(offer: Mapping[str, Any], _on: date, _territory: Territory | None) -> list[Problem]:
    """Wrong SIRETs are errors; an unknown NAF code is a warning, since a new NAF is expected."""
    employer = offer.get("employer")
    found: list[Problem] = []
    if employer is None:
        return found
    siret = employer.get("siret")
    if siret is not None and not is_siret(siret):
        found.append(problem("siret-checksum", pointer="/employer/siret", actual=siret))
    naf = employer.get("naf")
    if naf is not None and sector_of(naf) is None:
        found.append(problem("naf-unknown", pointer="/employer/naf", actual=naf))
    return found


@lru_cache(maxsize=16384)
def is_siret(siret: str) -> bool:
    """Whether 14 digits have valid check digits: Luhn's sum over the SIREN and over the whole. La Poste's
    establishments, except its head office, need a digit sum that is a multiple of 5 instead of the latter.
    """
    if siret.startswith(LA_POSTE) and siret != LA_POSTE_HEAD:
        return sum(map(int, siret)) % 5 == 0
    return _luhn(siret[:9]) and _luhn(siret)


def _luhn(digits: str) -> bool:
    numbers = [int(digit) for digit in digits]
    return (sum(numbers[-1::-2]) + sum(_DOUBLED[number] for number in numbers[-2::-2])) % 10 == 0


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
