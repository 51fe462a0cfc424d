"""Entry point of ``passerelle``: maps commands to modules, and exits on errors."""

import gc
import importlib
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from gateway.cli.console import CommandError, stop
from gateway.cli.os_error import explain_os_errors

COMMANDS = {
    "serve": "gateway.cli.serve:serve",
    "mock": "gateway.cli.mock:mock",
    "validate": "gateway.cli.validate:validate",
    "publish": "gateway.cli.publish:publish",
    "mark": "gateway.cli.snapshot:mark",
    "snapshot": "gateway.cli.snapshot:snapshot",
    "partner": "gateway.cli.partner:app",
    "contact": "gateway.cli.contact:app",
    "requests": "gateway.cli.requests:app",
    "platform": "gateway.cli.platform:app",
    "reference": "gateway.cli.reference:app",
    "schema": "gateway.cli.schema:app",
    "certificate": "gateway.cli.certificate:app",
    "pause": "gateway.cli.feed:pause",
    "resume": "gateway.cli.feed:resume",
    "push": "gateway.cli.push:app",
    "moderate": "gateway.cli.moderate:moderate",
    "keys": "gateway.cli.keys:app",
    "national": "gateway.cli.national:app",
    "journal": "gateway.cli.journal:app",
    "topics": "gateway.cli.log:topics",
    "status": "gateway.cli.status:status",
    "refusals": "gateway.cli.refusals:refusals",
    "audit": "gateway.cli.log:audit",
    "backup": "gateway.cli.backup:backup",
    "export": "gateway.cli.transfer:export",
    "import": "gateway.cli.transfer:import_",
    "doctor": "gateway.cli.doctor:doctor",
}
"""Command → module and attribute: a function, or a Typer application with commands of its own."""


class LazyGroup(TyperGroup):
    """Imports a command's module only when the command is run, completed or listed, for a fast start.

    The classes behind ``Any`` have no public name in typer.
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        # Names only: typer searches them for suggestions for a misspelt command.
        self.commands = dict.fromkeys(COMMANDS)  # type: ignore[assignment]

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the shape that click asks for
        """The command names, in the order of ``COMMANDS``."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - same
        """The command of that name; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        found = getattr(importlib.import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            function, found = found, typer.Typer(add_completion=False)
            found.command()(function)
        command = typer.main.get_command(found)
        command.name = cmd_name
        explain_os_errors(command)
        return command

    def invoke(self, ctx: Any) -> Any:
        """Run the command; strip pydantic's prefix from the error of an invalid value."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise


app = typer.Typer(
    name="passerelle",
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - the shape that typer asks for
    if wanted:
        schemas, metadata = map(importlib.import_module, ("schemas", "importlib.metadata"))
        version = metadata.version("passerelle")
        typer.echo(f"passerelle {version} (schema {schemas.SCHEMA_VERSION}, rules {schemas.RULES_VERSION})")
        raise typer.Exit


@app.callback()
def passerelle(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Federation gateway for the internship offers of France's regional platforms and the national site."""


_COLLECTED_AT = 50_000
"""New objects until the next garbage collection: importing the libraries of a command would start hundreds."""


def main() -> None:
    """Run the command line. A CommandError exits with a message and a remedy; other errors keep their traceback."""
    gc.set_threshold(_COLLECTED_AT)
    try:
        app()
    except CommandError as error:
        stop(error)
    finally:
        gc.freeze()  # what is loaded ends with the process: searching it for garbage takes a tenth of a second
