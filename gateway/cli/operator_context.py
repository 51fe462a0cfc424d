"""Operator context of commands: settings, log, keys and partners of the environment, with errors explained."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from rich.text import Text

from gateway.bootstrap.log import log_path, open_log, signing_key_of, with_signing_key
from gateway.cli.console import ERR, CommandError
from gateway.errors import LogBusyError, LogDamagedError, LogError, SettingsError, TopicError
from gateway.log.port import EventLog
from gateway.oauth.keys import KeyRing, SigningKeyError
from gateway.operate.releases import UnknownReleaseError
from gateway.operate.transfer.restore import IncompleteImportError
from gateway.partners.partners import ChangeConflictError
from gateway.runtime.keys import load_secret
from gateway.runtime.listening import format_endpoint
from gateway.settings import Settings


@contextmanager
def command_errors() -> Iterator[None]:
    """Translate errors of settings, keys and log into a CommandError with its remedy."""
    try:
        yield
    except SettingsError as error:
        raise CommandError(f"{error}.", step="correct the variable; docs/install.md lists them all") from error
    except SigningKeyError as error:
        raise CommandError(
            f"{error}.", step="repair the file, or name another one in PASSERELLE_SIGNING_KEY"
        ) from error
    except LogDamagedError as error:
        raise CommandError(str(error), step="restore it: docs/mend.md, “Restore”") from error
    except TopicError as error:
        raise CommandError(str(error), step="passerelle topics create, then passerelle topics check") from error
    except LogBusyError as error:
        raise CommandError(str(error), step="run the command again") from error
    except IncompleteImportError as error:
        raise CommandError(
            f"{error}.", step="run the same passerelle import again, to its end; or begin again with a new log"
        ) from error
    except ChangeConflictError as error:
        raise CommandError(f"{error}; nothing was changed.", step="run the command again") from error
    except UnknownReleaseError as error:
        raise CommandError(
            str(error),
            step="install a version that knows it; while no offer has its fields, passerelle schema activate --cancel "
            "takes the day back",
        ) from error
    except LogError as error:
        raise CommandError(str(error), step="passerelle doctor lists what is unreachable") from error


def settings_here() -> Settings:
    """The settings from the environment. Raises CommandError."""
    with command_errors():
        return Settings.from_env(os.environ)


def secret_here() -> bytes:
    """The secret of this gateway, which is made if there is none. Raises CommandError."""
    settings = settings_here()
    with command_errors():
        return load_secret(settings.secret, folder=settings.data)


def keys_here(*, make: bool = False) -> KeyRing:
    """The signing keys of this gateway; ``make`` creates missing ones. Raises CommandError."""
    settings = settings_here()
    path = signing_key_of(settings)
    if not make and not path.exists():
        raise CommandError(
            f"There is no signing key at {path.absolute()}.",
            step="run the command where the gateway runs; passerelle serve creates one at its first start",
        )
    with command_errors():
        return KeyRing.read(signing_key_of(with_signing_key(settings)))


def url_here() -> str:
    """The gateway's public URL, without a trailing slash. Raises CommandError."""
    settings = settings_here()
    if settings.public_url is None and settings.port == 0:
        step = "set PASSERELLE_PUBLIC_URL to the address that partners use"
        raise CommandError("The settings do not name the address of this gateway.", step=step)
    return (settings.public_url or f"http://{format_endpoint(settings.host, settings.port)}").rstrip("/")


def has_log_here() -> bool:
    """Whether the settings name a log that exists: any on Kafka, else the file in the data folder. Raises CommandError,
    also as ``refuse_root`` does.
    """
    settings = settings_here()
    refuse_root(settings)
    with command_errors():
        return settings.kafka is not None or log_path(settings).exists()


def refuse_root(settings: Settings) -> None:
    """Raise CommandError for root in the data folder of another user, whose gateway could not use what root creates."""
    if os.geteuid() != 0 or not settings.data.exists() or (owner := settings.data.stat().st_uid) == 0:
        return
    raise CommandError(
        f"{settings.data.absolute()} belongs to user {owner}, whose gateway could not use what root creates there.",
        step="run the command as that user, with the settings of its gateway: docs/install.md, “Install on a server”",
    )


def require_log_here() -> None:
    """Raise CommandError if the settings name no log that exists."""
    if not has_log_here():
        raise CommandError(
            f"There is no log in {settings_here().data.absolute()}.",
            step="run the command where the gateway runs, or set PASSERELLE_DATA to its data folder; "
            "for a new gateway, passerelle partner add SLUG creates one",
        )


@asynccontextmanager
async def log_here(*, make: bool = False) -> AsyncIterator[EventLog]:
    """Open the log of the settings. Raises CommandError, also for a missing embedded log unless ``make``.

    A new log is reported on stderr, since the folder may be the wrong one.
    """
    settings = settings_here()
    new = make and not has_log_here()
    folder = settings.data.absolute()  # computes a path; no file access
    if not make:
        require_log_here()
    with command_errors():
        async with open_log(settings, make=make) as log:
            if new:
                elsewhere = "If a gateway already runs elsewhere, set PASSERELLE_DATA to its folder."
                ERR.print(Text(f"A new log was created in {folder}. {elsewhere}"))
            yield log
