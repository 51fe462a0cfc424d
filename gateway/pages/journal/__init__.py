"""The operator's page of the journal: who did what, when and why; whether the chain is whole."""

from gateway.pages.journal.view import pages

__all__ = ["pages"]
