"""``python -m demo``: the command line of the demo."""

import typer

from demo.command import demo
from gateway.cli.console import CommandError, stop


def main() -> None:
    """Run the demo. A CommandError exits with a message and a remedy; other errors keep their traceback."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(demo)
    try:
        app()
    except CommandError as error:
        stop(error)


if __name__ == "__main__":
    main()
