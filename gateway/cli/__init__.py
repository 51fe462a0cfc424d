"""The command line: ``passerelle``, one module per command, imported on first use."""

from gateway.cli.app import main

__all__ = ["main"]
