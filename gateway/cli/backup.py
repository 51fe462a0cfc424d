"""``passerelle backup``: the embedded log and the secrets of its gateway in one new folder, while the gateway runs."""

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gateway.bootstrap.log import log_path, signing_key_of
from gateway.cli.console import ERR, OUT, CommandError
from gateway.cli.operator_context import command_errors, require_log_here, settings_here
from gateway.log.sqlite.backup import copy_log
from gateway.runtime.keys import secret_file
from gateway.runtime.private_files import ExposedError, read_private, write_private
from gateway.settings import Settings


def backup(
    folder: Annotated[Path, typer.Argument(help="The folder to make, such as /var/backups/passerelle/2027-01-15.")],
) -> None:
    """Copy the embedded log, the secret and the signing keys to a new folder, while the gateway runs.

    The copy of the log is of one instant, and checked. docs/mend.md, “Restore”, has the way back.
    """
    settings = settings_here()
    if settings.kafka is not None:
        raise CommandError(
            "The log is on Kafka: its topics are backed up or mirrored with the cluster's tools.",
            step="docs/run.md, “Backup”, names the topics; PASSERELLE_SECRET and the file of PASSERELLE_SIGNING_KEY "
            "belong to a backup; passerelle export writes the federation to one file",
        )
    require_log_here()
    with command_errors():
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)  # refuses an existing one: a backup overwrites none
        try:
            copied = _copy(settings, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    OUT.print(Text(f"✓ {folder}: {', '.join(copied)}"))
    OUT.print("Not in it: the settings, and the files that they name. Keep it as safe as the log.")


def _copy(settings: Settings, folder: Path) -> list[str]:
    """Copy the files; returns what was copied."""
    with ERR.status("Copying and checking the log"):
        size = copy_log(log_path(settings), folder / "log.sqlite")
    copied = [f"log.sqlite ({size:,} bytes, checked)"]
    secret = secret_file(settings.data) if settings.secret is None else None
    for name, path in (("secret", secret), ("signing.pem", signing_key_of(settings))):
        if path is not None and path.exists():
            try:
                write_private(folder / name, read_private(path))
            except ExposedError as error:
                raise CommandError(f"{error}.", step="correct the mode, then back up again") from error
            copied.append(name)
    return copied
