"""Being the operator: settings and log that the environment names, their errors told with a next step."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from gateway.bootstrap import open_log
from gateway.cli.console import CommandError
from gateway.oauth.keys import SigningKeyError
from gateway.ports import EventLog, LogError, TopicError
from gateway.settings import Settings, SettingsError


@contextmanager
def explained() -> Iterator[None]:
    """Turns what may be wrong with settings and log into a CommandError with its next step."""
    try:
        yield
    except SettingsError as error:
        raise CommandError(f"{error}.", step="mend the variable; docs/operations.md lists them all") from error
    except SigningKeyError as error:
        raise CommandError(f"{error}.", step="mend the file, or name another one in PASSERELLE_SIGNING_KEY") from error
    except TopicError as error:
        raise CommandError(str(error), step="passerelle topics create, then passerelle topics check") from error
    except LogError as error:
        raise CommandError(str(error), step="passerelle doctor says what is out of reach") from error


def settings_here() -> Settings:
    """The settings. Raises CommandError."""
    with explained():
        return Settings.from_env(os.environ)


@asynccontextmanager
async def log_here(*, must_exist: bool = False) -> AsyncIterator[EventLog]:
    """The log of these settings. Raises CommandError, also for an embedded log that is not there and ``must_exist``."""
    settings = settings_here()
    if must_exist and settings.kafka is None and not (settings.data / "log.sqlite").exists():
        raise CommandError(
            f"There is no log in {settings.data.absolute()}.",  # a path, no disk
            step="run the command where the gateway runs, or set PASSERELLE_DATA to its data folder",
        )
    with explained():
        async with open_log(settings) as log:
            yield log
