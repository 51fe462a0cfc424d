"""Revocation: the generations of a partner's credentials, and whether a token issued for them still holds.

A change that ends credentials early begins a new generation, and ends every token of the former one. Time alone cannot
decide: tokens have times in whole seconds, by the clock of another machine. A random id never recurs, regardless of
clocks and of the version that wrote the record in between.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import orjson

from gateway.partners.credential import Entropy, is_live, live_secrets
from gateway.protocol.partner import Generation, Partner, Secret

_GENERATION_BYTES = 12
_CREDENTIAL_DIGITS = 32


def with_generation(before: Partner | None, after: Partner, *, now: int, entropy: Entropy) -> Partner:
    """The partner after a change, in the same generation as before, or in a new one if the change ends credentials
    (``ends_credentials``).
    """
    if before is None:
        return after
    if not ends_credentials(before, after, now=now):
        return replace(after, generation=before.generation)
    return replace(after, generation=Generation(id=entropy(_GENERATION_BYTES).hex(), since=now))


def ends_credentials(before: Partner, after: Partner, *, now: int) -> bool:
    """Whether a change revokes or restores the partner, keeps none of the live secrets, removes a key, or names another
    issuer. A secret in its overlap needs no new generation: its tokens name it (``credential_of``).
    """
    lasting = {secret.hash for secret in live_secrets(after.secrets, now=now)}
    ended = [secret.hash for secret in live_secrets(before.secrets, now=now)]
    return (
        before.revoked != after.revoked
        or (bool(ended) and lasting.isdisjoint(ended))
        or not _keys(before.jwks) <= _keys(after.jwks)
        or (before.issuer is not None and before.issuer != after.issuer)
    )


def credential_of(secret: Secret) -> str:
    """The name in a token of the secret that it was issued for: a digest that reveals neither secret nor hash."""
    return hashlib.sha256(b"credential " + secret.hash.encode()).hexdigest()[:_CREDENTIAL_DIGITS]


def newest_credential(partner: Partner, *, now: int) -> str:
    """The name of the newest live secret, which a form says it replaces; empty without one."""
    newest = next((secret for secret in partner.secrets if is_live(secret, now=now)), None)
    return "" if newest is None else credential_of(newest)


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a verified token: its platform and its scopes.

    ``generation`` and ``credential`` name the partner's credentials in tokens of this gateway. ``issuer`` and
    ``issued_at`` (seconds since 1970) are set in tokens of an external issuer.
    """

    platform: str
    scopes: frozenset[str]
    expires_at: int
    generation: str | None = None
    credential: str | None = None
    issuer: str | None = None
    issued_at: int | None = None


class TokenVerifier(Protocol):
    """Verifies identity only: the protocol decides the rights of a platform."""

    async def verify(self, token: str) -> Claims:
        """The claims of a bearer token whose credential the partner still has. Raises TokenError."""


def still_holds(claims: Claims, partner: Partner, *, now: int) -> bool:
    """Whether the claims of a token still hold by the partner's record.

    A token of this gateway must be of the record's generation (one without belongs to a record without) and, if it
    names a secret, that secret must be live. A token of an external issuer must come from the issuer that is named now,
    issued in a later second than the generation began.
    """
    if partner.revoked:
        return False
    generation = partner.generation
    if claims.issuer is not None:
        return claims.issuer == partner.issuer and issued_since(claims.issued_at, generation)
    of_record = "" if generation is None else generation.id
    if not _same(claims.generation or "", of_record):
        return False
    return claims.credential is None or _names_one(claims.credential, partner.secrets, now=now)


def issued_since(issued_at: int | None, generation: Generation | None) -> bool:
    """Whether a time in whole seconds (``iat``) is certainly later than the start of the generation; always, if there
    is no generation.
    """
    return generation is None or (issued_at is not None and issued_at > generation.since // 1000)


def _names_one(credential: str, secrets: Iterable[Secret], *, now: int) -> bool:
    found = False
    for secret in secrets:
        if is_live(secret, now=now):
            found |= _same(credential, credential_of(secret))
    return found


def _same(first: str, second: str) -> bool:
    return hmac.compare_digest(first.encode(errors="replace"), second.encode())


def _keys(jwks: Mapping[str, object] | None) -> frozenset[bytes]:
    """The keys of a set, each in canonical JSON."""
    keys = None if jwks is None else jwks.get("keys")
    entries = keys if isinstance(keys, list) else ()
    return frozenset(orjson.dumps(key, option=orjson.OPT_SORT_KEYS) for key in entries)
