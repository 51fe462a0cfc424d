"""The accounts file: its content, and the errors for mistakes in it. Secrets never appear."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.national.mapping.deliverability import DeliveryTerms
from adapters.national.site.accounts import AccountsError, read_accounts

SOUND: dict[str, Any] = {
    "url": "https://1eleve1stage.example.org",
    "accounts": [
        {"name": "shared", "email": "a@example.org", "password": {"env": "NATIONAL_PASSWORD"}, "platforms": ["*"]},
        {
            "name": "bretagne",
            "email": "b@example.org",
            "password": {"file": "bretagne.secret"},
            "v1_token": {"env": "NATIONAL_OLD"},
            "platforms": ["bretagne"],
        },
    ],
    "platforms": {"bretagne": {"fillers": False, "employer_name": "Un employeur breton"}},
    "search": {"account": "shared", "minutes": 30},
}
SHARED = SOUND["accounts"][0]
ENVIRON = {"NATIONAL_PASSWORD": "open sesame", "NATIONAL_OLD": "0f0f0f"}


def written(folder: Path, body: dict[str, Any], *, mode: int = 0o600) -> Path:
    secret = folder / "bretagne.secret"
    secret.write_text("sesame, open\n")
    secret.chmod(mode)
    path = folder / "accounts.json"
    path.write_text(json.dumps(body))
    return path


def test_each_platform_has_its_account_and_its_terms(tmp_path: Path) -> None:
    accounts = read_accounts(written(tmp_path, SOUND), ENVIRON)
    assert ("bretagne", "shared") == (accounts.account_of("bretagne"), accounts.account_of("occitanie"))
    own = DeliveryTerms(fillers=False, employer_name="Un employeur breton", one_week=True)
    assert (own, DeliveryTerms()) == (accounts.terms_of("bretagne"), accounts.terms_of("occitanie"))
    assert "sesame, open" == accounts.accounts["bretagne"].password
    assert accounts.search is not None
    assert ("shared", 30) == (accounts.search.account, accounts.search.minutes)


def test_no_secret_shows_in_repr(tmp_path: Path) -> None:
    text = repr(read_accounts(written(tmp_path, SOUND), ENVIRON))
    assert not [secret for secret in ("sesame", "0f0f0f") if secret in text]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"url": None}, "the whole"),
        ({"url": "http://national.example.org"}, "url"),
        ({"accounts": []}, "accounts"),
        ({"platforms": {"bretagne": {"employer_name": " "}}}, "platforms/bretagne/employer_name"),
        ({"platforms": {"bretagne": {"employer_name": "a\u0000b"}}}, "platforms/bretagne/employer_name"),
        ({"accounts": [SHARED] * 2}, "shared is there twice"),
        ({"accounts": [{**SHARED, "pasword": "x"}]}, "pasword"),
        (
            {"accounts": [SOUND["accounts"][0], {**SOUND["accounts"][1], "platforms": ["*"]}]},
            "both shared and bretagne",
        ),
        ({"accounts": [{**SHARED, "password": {"env": "NOT_SET"}}]}, "NOT_SET is not set"),
        ({"accounts": [{**SHARED, "password": {"file": "nowhere"}}]}, "nowhere cannot be read"),
        ({"search": {"account": "nobody"}}, "no account nobody"),
    ],
)
def test_a_mistake_is_reported_with_its_pointer(tmp_path: Path, change: dict[str, Any], pointer: str) -> None:
    body = {name: value for name, value in {**SOUND, **change}.items() if value is not None}
    with pytest.raises(AccountsError, match=pointer):
        read_accounts(written(tmp_path, body), ENVIRON)


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AccountsError, match="chmod 600"):
        read_accounts(written(tmp_path, SOUND, mode=0o644), ENVIRON)


def test_a_missing_file_or_one_that_is_not_json_is_reported(tmp_path: Path) -> None:
    with pytest.raises(AccountsError, match="cannot be read"):
        read_accounts(tmp_path / "missing.json", ENVIRON)
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(AccountsError, match="not JSON"):
        read_accounts(tmp_path / "bad.json", ENVIRON)
