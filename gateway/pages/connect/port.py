"""The port of the page to the gateway."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.pages.base.visit import Visitors
from gateway.protocol.seal import Seal


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectPort:
    """``visitors`` runs ``OPEN``, ``STUDY`` and ``PROFILE`` in the sandbox. ``seal``: of the federation's secret, so
    that every process and replica opens the same states. ``clock``: milliseconds since 1970.
    """

    visitors: Visitors
    seal: Seal
    clock: Callable[[], int]


OPEN = "connect_open"
"""Takes a sample's bytes: ``{"sample", "study"}`` or ``{"refused"}``."""
STUDY = "connect_study"
"""Takes a sample as JSON, with ``choices``: the study."""
PROFILE = "connect_profile"
"""Takes the same, with ``language``: the document of the profile."""
