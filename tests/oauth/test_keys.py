"""Signing keys: created once, unreadable for others, several during a rotation."""

import os
import stat
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, RSAKey

from gateway.errors import TokenError
from gateway.oauth.jws import read_unverified
from gateway.oauth.keys import KeyRing, SigningKeyError, rotate_signing_key
from gateway.oauth.token import AccessTokens
from tests.clock import ManualClock
from tests.oauth.oauth_harness import ISSUER
from tests.protocol.certified import DAY, NOW


def pem(key: ECKey | RSAKey) -> str:
    return key.as_pem(private=True).decode()


def test_a_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    """SEC-009."""
    path = tmp_path / "keys" / "signing.pem"
    made = KeyRing.open(path)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert made.signer.kid == KeyRing.open(path).signer.kid
    assert [path] == list(path.parent.iterdir())


def test_a_key_file_readable_by_others_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    KeyRing.open(path)
    path.chmod(0o644)
    with pytest.raises(SigningKeyError, match=f"chmod 600 {path}"):
        KeyRing.read(path)


def test_the_first_key_signs_and_all_of_them_verify() -> None:
    new, old = (ECKey.generate_key("P-256") for _ in range(2))
    ring = KeyRing.from_pem(pem(new) + pem(old))
    assert [key.thumbprint() for key in (new, old)] == [key.kid for key in ring.verifiers]
    assert new.thumbprint() == ring.signer.kid
    clock = ManualClock()
    older = AccessTokens(KeyRing.from_pem(pem(old)), issuer=ISSUER, clock=clock)
    newer = AccessTokens(ring, issuer=ISSUER, clock=clock)
    token = older.issue("bretagne", ["offers:read"], token_id="a")
    assert "bretagne" == newer.verify(token, read_unverified(token)).platform
    token = newer.issue("bretagne", ["offers:read"], token_id="b")
    with pytest.raises(TokenError, match="no known key"):
        older.verify(token, read_unverified(token))


def test_a_replaced_key_verifies_for_a_day_and_is_dropped_by_a_later_rotation(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    first = KeyRing.open(path).signer.kid
    second = rotate_signing_key(path, now=NOW)
    assert [first] == [key.kid for key in second.verifiers[1:]]
    third = rotate_signing_key(path, now=NOW + DAY - 1)
    assert [second.signer.kid, first] == [key.kid for key in third.verifiers[1:]]
    fourth = rotate_signing_key(path, now=NOW + DAY)
    assert [third.signer.kid, second.signer.kid] == [key.kid for key in fourth.verifiers[1:]]
    assert 4 == len({first, second.signer.kid, third.signer.kid, fourth.signer.kid})
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == list(tmp_path.iterdir())


def test_a_key_that_is_needed_stays_however_old_it_is(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    first = str(KeyRing.open(path).signer.kid)
    rotate_signing_key(path, now=NOW)
    kept = rotate_signing_key(path, now=NOW + 400 * DAY, needed={first})
    assert first in [key.kid for key in kept.verifiers]
    gone = rotate_signing_key(path, now=NOW + 800 * DAY)
    assert first not in [key.kid for key in gone.verifiers]


def test_a_file_that_cannot_sign_is_not_rotated(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    path.write_text(pem(ECKey.generate_key("P-384")))
    path.chmod(0o600)
    before = path.read_bytes()
    with pytest.raises(SigningKeyError, match="P-256 is required"):
        rotate_signing_key(path, now=NOW)
    assert before == path.read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no key",
        pem(ECKey.generate_key("P-384")),
        pem(RSAKey.generate_key(2048)),
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    ],
)
def test_a_key_that_cannot_sign_is_refused(text: str) -> None:
    with pytest.raises(SigningKeyError):
        KeyRing.from_pem(text)


def test_a_missing_or_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SigningKeyError, match=r"missing\.pem"):
        KeyRing.read(tmp_path / "missing.pem")
    binary = tmp_path / "binary.pem"
    binary.write_bytes(os.urandom(64) + b"\xff")
    binary.chmod(0o600)
    with pytest.raises(SigningKeyError, match=r"binary\.pem"):
        KeyRing.read(binary)


def test_no_key_material_shows_in_repr_errors_or_the_published_keys() -> None:
    key = ECKey.generate_key("P-256")
    ring = KeyRing.from_pem(pem(key))
    private = str(key.as_dict(private=True)["d"])
    assert private not in repr(ring) + str(ring.jwks())
    assert f"KeyRing({key.thumbprint()})" == repr(ring)
