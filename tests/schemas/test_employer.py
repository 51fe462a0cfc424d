"""The employer: a sound SIRET (OFR-014), a known NAF code (OFR-015)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.fr import siret as stdnum_siret

import schemas
from schemas.rules.identifier import is_siret
from tests.schemas.documents import changed, check, errors, found


@given(st.from_regex(r"[0-9]{14}", fullmatch=True))
def test_siret_checks_agree_with_a_library(siret: str) -> None:
    """OFR-014"""
    assert is_siret(siret) == stdnum_siret.is_valid(siret)


@given(st.from_regex(r"356000000[0-9]{5}", fullmatch=True))
def test_siret_checks_of_la_poste_agree_with_a_library(siret: str) -> None:
    """OFR-014"""
    assert is_siret(siret) == stdnum_siret.is_valid(siret)


@pytest.mark.parametrize(
    ("siret", "sound"),
    [
        ("73282932000074", True),
        ("73282932000075", False),
        ("35600000000048", True),
        ("35600000049837", True),
        ("35600000049838", False),
        ("00000000000000", True),
    ],
)
def test_a_siret_has_a_sound_check_digit(siret: str, *, sound: bool) -> None:
    """OFR-014"""
    expected = [] if sound else [("siret-checksum", "/employer/siret")]
    assert errors(check(changed({"employer.siret": siret}))) == expected


def test_an_unknown_naf_is_a_warning() -> None:
    """OFR-015"""
    verdict = check(changed({"employer.naf": "99.99X"}))
    assert (verdict.accepted, found(verdict)) == (True, [("naf-unknown", "/employer/naf")])
    assert schemas.sector_of("43.32A") is not None
