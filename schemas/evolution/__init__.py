"""Releases of the protocol's schemas and rules, and what one accepts that another does not. Pure but for ``record`` and
``process``: no module of it is in a release's zipapp but ``answer``.
"""
