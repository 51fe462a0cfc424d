"""The functions of the page in the sandbox, which the composition root fills."""

OPEN = "connect_open"
"""Takes a sample's bytes: ``{"sample", "study"}`` or ``{"refused"}``."""
STUDY = "connect_study"
"""Takes a sample as JSON, with ``choices``: the study."""
PROFILE = "connect_profile"
"""Takes the same, with ``language``: the document of the profile."""
REQUEST = "connect_request"
"""Takes the same, with ``name``, ``feed`` and ``loopback``: ``format`` and ``mapping`` of a request to the operator,
the problems of its profile (``wrong``), and the required fields without a path (``missing``).
"""
