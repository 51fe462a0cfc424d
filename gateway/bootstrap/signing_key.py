"""The keys that sign tokens: the file that the settings name, or one in the data folder."""

from dataclasses import replace
from pathlib import Path

from gateway.oauth.keys import KeyRing
from gateway.settings import Settings


def with_signing_key(settings: Settings) -> Settings:
    """The same settings, naming the file of the keys that sign tokens: made in the data folder where they name none."""
    if settings.signing_key is not None:
        return settings
    path = signing_key_of(settings)
    KeyRing.open(path)
    return replace(settings, signing_key=path)


def signing_key_of(settings: Settings) -> Path:
    """The file of the keys that sign, whether it is there yet or not."""
    return settings.signing_key or settings.data / "signing.pem"
