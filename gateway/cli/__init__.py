"""The command line: ``passerelle``, one module per command, each imported when it is called for."""

from gateway.cli.app import main

__all__ = ["main"]
