"""The command ``passerelle-conformance``."""
