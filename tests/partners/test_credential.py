"""Secrets are random, kept hashed, compared in constant time, and two of them live while a partner rotates."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.partners.credential import (
    OVERLAP_MS,
    Entropy,
    hash_secret,
    is_live,
    live_secrets,
    matching_secret,
    mint_secret,
    revoke,
    rotate,
)
from gateway.protocol.partner import Partner, Secret

NOW = 1_790_000_000_000


def partner(*secrets: Secret) -> Partner:
    return Partner(platform="bretagne", name="Bretagne", scopes=frozenset({"offers:read"}), secrets=secrets)


def entropy(seed: int) -> Entropy:
    return lambda count: bytes([seed]) * count


class Unequal(str):
    """Text that must not be compared by ``==``, which stops at the first difference."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise AssertionError("a secret's hash was compared by ==")

    __hash__ = str.__hash__


class Watched:
    """A secret that knows how often its hash was asked for."""

    created_at = NOW
    ends_at = None

    def __init__(self, text: str) -> None:
        self._text = text
        self.questions = 0

    @property
    def hash(self) -> str:
        self.questions += 1
        return Unequal(self._text)


def test_a_secret_has_256_random_bits_and_is_kept_as_its_hash_only() -> None:
    minted = mint_secret(now=NOW, entropy=entropy(7))
    assert "passerelle_" + "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc" == minted.text
    assert Secret(hash=hash_secret(minted.text), created_at=NOW) == minted.kept
    assert minted.text not in repr(minted)
    assert minted.text not in repr(minted.kept)


def test_too_little_entropy_is_refused() -> None:
    with pytest.raises(ValueError, match="a secret needs 32 random bytes"):
        mint_secret(now=NOW, entropy=lambda _count: b"short")


def test_a_secret_proves_until_its_end_and_not_from_then_on() -> None:
    minted = mint_secret(now=NOW, entropy=entropy(1))
    ending = replace(minted.kept, ends_at=NOW + 10)
    assert matching_secret(minted.text, [ending], now=NOW + 9)
    assert matching_secret(minted.text, [ending], now=NOW + 10) is None
    assert not is_live(ending, now=NOW + 10)


def test_another_secret_proves_nothing() -> None:
    minted, other = (mint_secret(now=NOW, entropy=entropy(seed)) for seed in (1, 2))
    assert matching_secret(other.text, [minted.kept], now=NOW) is None
    assert matching_secret("", [minted.kept], now=NOW) is None
    assert matching_secret(minted.kept.hash, [minted.kept], now=NOW) is None
    assert matching_secret(minted.text, [], now=NOW) is None


def test_every_live_secret_is_compared_and_never_by_equality() -> None:
    """The duration of a comparison reveals nothing about the secret, or about which of them it was."""
    first, second = (mint_secret(now=NOW, entropy=entropy(seed)) for seed in (1, 2))
    kept: list[Any] = [Watched(one.kept.hash) for one in (first, second)]
    assert matching_secret(first.text, kept, now=NOW)
    assert [1, 1] == [one.questions for one in kept]


def test_rotating_keeps_the_older_secret_until_its_end() -> None:
    old, new = (mint_secret(now=NOW + seed, entropy=entropy(seed)) for seed in (1, 2))
    rotated = rotate(partner(old.kept), new.kept, now=NOW)
    assert (new.kept, replace(old.kept, ends_at=NOW + OVERLAP_MS)) == rotated.secrets
    for text, at, proved in (
        (old.text, NOW + OVERLAP_MS - 1, True),
        (old.text, NOW + OVERLAP_MS, False),
        (new.text, NOW + OVERLAP_MS, True),
    ):
        assert proved == (matching_secret(text, rotated.secrets, now=at) is not None)


def test_never_more_than_two_secrets_live() -> None:
    first, second, third = (mint_secret(now=NOW + seed, entropy=entropy(seed)) for seed in (1, 2, 3))
    rotated = rotate(rotate(partner(first.kept), second.kept, now=NOW), third.kept, now=NOW + 5)
    assert [third.kept.hash, second.kept.hash] == [one.hash for one in live_secrets(rotated.secrets, now=NOW + 5)]
    assert matching_secret(first.text, rotated.secrets, now=NOW + 5) is None


def test_rotating_never_prolongs_an_end_that_is_set() -> None:
    old, new = (mint_secret(now=NOW + seed, entropy=entropy(seed)) for seed in (1, 2))
    ending = replace(old.kept, ends_at=NOW + 100)
    assert NOW + 100 == rotate(partner(ending), new.kept, now=NOW).secrets[1].ends_at


def test_rotating_without_overlap_ends_the_older_secret_at_once() -> None:
    old, new = (mint_secret(now=NOW + seed, entropy=entropy(seed)) for seed in (1, 2))
    assert (new.kept,) == rotate(partner(old.kept), new.kept, now=NOW, overlap=0).secrets


def test_revoking_takes_every_credential_and_keeps_the_record() -> None:
    minted = mint_secret(now=NOW, entropy=entropy(1))
    whole = replace(partner(minted.kept), jwks={"keys": []}, issuer="https://id.example")
    assert replace(whole, secrets=(), jwks=None, issuer=None, revoked=True) == revoke(whole)
