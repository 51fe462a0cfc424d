"""``passerelle`` in the process of the test: a second quicker than a shell, for commands that need no process of
their own.
"""

from pathlib import Path

from typer.testing import CliRunner

from gateway.cli.app import app
from gateway.cli.console import CommandError
from tests.cli.conftest import Ended


class Inside:
    """Runs commands with a data folder of their own; the names of files are absolute."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.environ = environ

    def __call__(self, *words: object, data: Path | None = None) -> Ended:
        """Run a command. What it ends with is what ``gateway.cli.app.main`` displays."""
        environ = {
            "PASSERELLE_DATA": str(data or self.data),
            "PASSERELLE_KAFKA": None,
            "COLUMNS": "200",
            **self.environ,
        }
        result = CliRunner(env=environ).invoke(app, [str(word) for word in words])
        if isinstance(error := result.exception, CommandError):
            return Ended(2, result.stdout, f"{result.stderr}{error}\nNext step: {error.step}\n")
        if error is not None and not isinstance(error, SystemExit):
            raise error
        return Ended(result.exit_code, result.stdout, result.stderr)
