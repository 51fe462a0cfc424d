"""Signing keys of the gateway: one that signs, several that verify.

Keys are PEM private keys on P-256, one after the other in one text. The first signs; all of them verify and are in the
JWKS. To rotate, put a new key in front (``rotate_signing_key``) and restart all replicas of the gateway at once: a
replica that still runs refuses tokens of the new key. An older key is marked with the instant of its replacement. It
is kept for a day, in which the gateway restarts and its tokens expire, and as long as any certificate that it signed.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from gateway.errors import PortError
from gateway.runtime.private_files import ExposedError, read_private, replace_private, write_private

ALGORITHM = "ES256"
_CURVE = "P-256"
_BLOCK = re.compile(
    r"(?:^Retired: (?P<retired>[0-9]{1,15})\n)?"
    r"(?P<pem>-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----)",
    re.DOTALL | re.MULTILINE,
)
"""A key and, if it no longer signs, the time of its replacement (ms since 1970). PEM parsers skip other text."""
_RETENTION_MS = 24 * 3_600_000


class SigningKeyError(PortError):
    """The signing keys cannot be used; the message names the location and the next step, never key material."""


class KeyRing:
    """The gateway's keys. ``signer`` is the first one."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Sequence[ECKey]) -> None:
        if not keys:
            raise SigningKeyError("there is no signing key; give at least one PEM private key on P-256")
        self._keys = tuple(keys)

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(str(key.kid) for key in self._keys)})"

    @classmethod
    def from_pem(cls, text: str) -> "KeyRing":
        """The keys of a text with one or more PEM blocks. Raises SigningKeyError."""
        return cls([_import(block["pem"]) for block in _BLOCK.finditer(text)])

    @classmethod
    def read(cls, path: Path) -> "KeyRing":
        """The keys of a file. Raises SigningKeyError, also if other users of the machine can read it."""
        try:
            text = read_private(path).decode("ascii")
        except ExposedError as error:
            raise SigningKeyError(str(error)) from error
        except (OSError, UnicodeDecodeError) as error:
            raise SigningKeyError(f"{path} cannot be read as PEM keys ({type(error).__name__})") from error
        try:
            return cls.from_pem(text)
        except SigningKeyError as error:
            raise SigningKeyError(f"{path}: {error}; restore the file from a backup, or remove it") from error

    @classmethod
    def open(cls, path: Path) -> "KeyRing":
        """The keys of a file; a missing file is created with a new key (mode 0600). Raises SigningKeyError."""
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                write_private(path, _generate().encode("ascii"))
        except OSError as error:
            raise SigningKeyError(
                f"{path.absolute()} cannot be made ({error.strerror}): check the rights of the folder"
            ) from error
        return cls.read(path)

    @property
    def signer(self) -> ECKey:
        """The key that signs new tokens."""
        return self._keys[0]

    @property
    def verifiers(self) -> tuple[ECKey, ...]:
        """All keys that verify tokens."""
        return self._keys

    def jwks(self) -> Mapping[str, Any]:
        """The public part of every key, as a JWKS (RFC 7517)."""
        return {"keys": [key.as_dict(private=False, use="sig", alg=ALGORITHM) for key in self._keys]}


def rotate_signing_key(path: Path, *, now: int, needed: Collection[str] = ()) -> KeyRing:
    """Put a new key in front of a key file, and drop keys replaced a day or more before ``now`` (ms since 1970), unless
    their ``kid`` is ``needed``. Raises SigningKeyError.
    """
    KeyRing.read(path)
    kept = []
    for block in _BLOCK.finditer(path.read_text(encoding="ascii")):
        retired = now if block["retired"] is None else int(block["retired"])
        if retired > now - _RETENTION_MS or _import(block["pem"]).kid in needed:
            kept.append(f"Retired: {retired}\n{block['pem']}")
    try:
        replace_private(path, ("\n".join([_generate().strip(), *kept]) + "\n").encode("ascii"))
    except OSError as error:
        raise SigningKeyError(f"{path.absolute()} cannot be written ({error.strerror})") from error
    return KeyRing.read(path)


def _generate() -> str:
    return ECKey.generate_key(_CURVE).as_pem(private=True).decode()


def _import(block: str) -> ECKey:
    try:
        key = ECKey.import_key(block)
        name = key.curve_name
    except (JoseError, ValueError, TypeError) as error:
        raise SigningKeyError(f"a PEM block is not an EC private key ({type(error).__name__})") from error
    if name != _CURVE or not key.is_private:
        raise SigningKeyError(f"a signing key is on curve {name}; {_CURVE} is required")
    key.ensure_kid()  # its thumbprint, RFC 7638
    return key
