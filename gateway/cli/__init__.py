"""The command line: ``passerelle``, whose modules are imported on first use."""

from gateway.cli.app import main

__all__ = ["main"]
