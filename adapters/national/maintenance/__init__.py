"""Operator's work on the national site: reconcile, adopt, erase, replay, rehearse."""
