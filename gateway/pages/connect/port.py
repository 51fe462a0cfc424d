"""The functions of the page in the sandbox, which the composition root fills."""

OPEN = "connect_open"
"""Takes a sample's bytes: ``{"sample", "study"}`` or ``{"refused"}``."""
STUDY = "connect_study"
"""Takes a sample as JSON, with ``choices``: the study."""
PROFILE = "connect_profile"
"""Takes the same, with ``language``: the document of the profile."""
