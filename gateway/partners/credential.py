"""Credentials: a partner's secrets, how they are minted, hashed, compared, rotated and removed.

Pure: time and entropy are arguments.

Why plain SHA-256 and no slow, salted hash: a secret is 256 random bits generated here, never a chosen password. It
cannot be guessed, so neither salt nor slowness adds anything, while argon2 or scrypt would let any client keep a core
busy by sending wrong secrets to the token endpoint. The digest is compared in constant time with every live one.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from gateway.protocol.partner import Partner, Secret

Entropy: TypeAlias = Callable[[int], bytes]
"""Returns that many random bytes, such as ``os.urandom``."""

SECRET_PREFIX = "passerelle_"  # noqa: S105  # not a secret: lets scanners of repositories recognise one
SECRET_BYTES = 32
HASH_PREFIX = "sha256:"
OVERLAP_HOURS = 7 * 24
"""Default time for which the older secret stays valid after a rotation."""
OVERLAP_MS = OVERLAP_HOURS * 3_600_000
MAX_OVERLAP_HOURS = 8_760
"""Longest such time."""


@dataclass(frozen=True, slots=True)
class MintedSecret:
    """A new secret. ``text`` is displayed once and never stored; only ``kept`` is stored."""

    text: str = field(repr=False)
    kept: Secret


def mint_secret(*, now: int, entropy: Entropy) -> MintedSecret:
    """A new secret of 256 random bits; ``now`` in milliseconds since 1970."""
    raw = entropy(SECRET_BYTES)
    if len(raw) != SECRET_BYTES:
        raise ValueError(f"a secret needs {SECRET_BYTES} random bytes")
    text = SECRET_PREFIX + urlsafe_b64encode(raw).rstrip(b"=").decode()
    return MintedSecret(text, Secret(hash=hash_secret(text), created_at=now))


def hash_secret(text: str) -> str:
    """The stored form of a secret: ``sha256:`` and 64 hex digits."""
    return HASH_PREFIX + hashlib.sha256(text.encode()).hexdigest()


def is_live(secret: Secret, *, now: int) -> bool:
    """Whether the secret is valid: until ``ends_at``, exclusive."""
    return secret.ends_at is None or now < secret.ends_at


def matching_secret(presented: str, secrets: Iterable[Secret], *, now: int) -> Secret | None:
    """The live secret that equals the text; None if there is none. Compares with all in constant time."""
    digest = hash_secret(presented)
    found = None
    for secret in secrets:
        if is_live(secret, now=now) and hmac.compare_digest(digest, secret.hash):
            found = secret
    return found


def live_secrets(secrets: Sequence[Secret], *, now: int) -> tuple[Secret, ...]:
    """The live secrets, the newest first."""
    return tuple(sorted((one for one in secrets if is_live(one, now=now)), key=lambda one: -one.created_at))


def rotate(partner: Partner, fresh: Secret, *, now: int, overlap: int = OVERLAP_MS) -> Partner:
    """The partner with a new secret beside its present one, which ends ``overlap`` milliseconds from now (0: at once).
    At most two are live: another rotation before that end drops the oldest at once. Raises ValueError for a revoked
    partner.
    """
    if partner.revoked:
        raise ValueError("a revoked partner has no secrets to rotate")
    # The record has the newest first; ``created_at``, by the clocks of several machines, may not.
    older = [one for one in partner.secrets if is_live(one, now=now)][:1]
    until = now + overlap
    ending = tuple(replace(one, ends_at=min(one.ends_at or until, until)) for one in older if overlap > 0)
    return replace(partner, secrets=(fresh, *ending))


def revoke(partner: Partner) -> Partner:
    """The partner without credentials, sessions and agreement, and revoked; its record and its offers stay."""
    return replace(partner, secrets=(), jwks=None, issuer=None, sessions=(), public=None, revoked=True)
