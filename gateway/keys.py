"""The gateway's secret: given by a setting, or made once and kept in a file that only its owner can read."""

import os
import secrets
from pathlib import Path

from gateway.private import ExposedError, read_private
from gateway.settings import SettingsError

_BYTES = 48


def load_secret(setting: str | None, *, folder: Path) -> bytes:
    """The secret that receipts, cursors and marks are sealed under; every replica must have the same.

    Raises SettingsError for a file that others on the machine can read.
    """
    if setting is not None:
        return setting.encode()
    path = folder / "secret"
    try:
        return read_private(path)
    except ExposedError as error:
        raise SettingsError(str(error)) from error
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        secret = secrets.token_urlsafe(_BYTES).encode()
        # Written aside and linked, so that two processes starting together agree on one.
        fresh = folder / f"secret.{os.getpid()}"
        fresh.touch(mode=0o600)
        fresh.write_bytes(secret)
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        return path.read_bytes()
