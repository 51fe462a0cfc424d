"""Load the gateway's secret from its setting, or from a private file that is created on first use."""

import secrets
from pathlib import Path

from gateway.errors import SettingsError
from gateway.runtime.private_files import ExposedError, read_private, write_private
from gateway.settings import weakness

_BYTES = 48


def secret_file(folder: Path) -> Path:
    """The file that holds the secret where no setting does."""
    return folder / "secret"


def load_secret(setting: str | None, *, folder: Path) -> bytes:
    """The secret that seals receipts, cursors and marks; every replica must use the same one.

    Raises SettingsError if other users of the machine can read the file, if it cannot be read or written, or if the
    secret is too weak.
    """
    if setting is not None:
        return setting.encode()
    path = secret_file(folder)
    try:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            write_private(path, secrets.token_urlsafe(_BYTES).encode())
        secret = read_private(path)
    except ExposedError as error:
        raise SettingsError(str(error)) from error
    except OSError as error:
        raise SettingsError(
            f"the secret {path.absolute()} cannot be read or made ({error.strerror}); check the rights "
            "of file and folder"
        ) from error
    weak = weakness(secret.decode("latin-1"))
    if weak is not None:
        raise SettingsError(
            f"the secret in {path.absolute()} {weak}; restore the file from a backup, or remove it, and a new one is "
            "made: cursors, marks and receipts given out before are then refused"
        )
    return secret
