"""``python -m demo``: the command line of the demo."""

import typer

from demo.command import demo
from gateway.cli.console import CommandError, stop
from gateway.cli.os_error import explain_os_errors


def main() -> None:
    """Run the demo. A CommandError exits with a message and a remedy; other errors keep their traceback."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(context_settings={"help_option_names": ["-h", "--help"]})(demo)
    command = typer.main.get_command(app)
    explain_os_errors(command)
    try:
        command()
    except CommandError as error:
        stop(error)


if __name__ == "__main__":
    main()
