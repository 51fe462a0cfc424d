"""Locate the file of the keys that sign tokens: from the settings, or in the data folder."""

from dataclasses import replace
from pathlib import Path

from gateway.oauth.keys import KeyRing
from gateway.settings import Settings


def with_signing_key(settings: Settings) -> Settings:
    """The settings with ``signing_key`` set; if they name none, a key file is created in the data folder."""
    if settings.signing_key is not None:
        return settings
    path = signing_key_of(settings)
    KeyRing.open(path)
    return replace(settings, signing_key=path)


def signing_key_of(settings: Settings) -> Path:
    """The path of the signing keys, whether it exists or not."""
    return settings.signing_key or settings.data / "signing.pem"
