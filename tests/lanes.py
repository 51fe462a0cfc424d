"""The quick lane: which tests ``pytest --quick`` leaves out, and why.

A quick test needs no broker, no other process and no waiting. Whole files are left out by the table below and not even
imported; single tests by the fixtures and markers that they use. A quick test that starts a process fails.
"""

import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]

FIXTURES = frozenset({"kafka_broker", "kafka_cluster", "kafka_servers", "shell"})
"""Fixtures that start a broker, or commands as processes."""

MARKERS = frozenset({"kafka", "samples"})
"""Markers of what this checkout does not hold."""

PROCESSES = "starts processes"
WAITS = "waits for timeouts of the code under test"
COMPUTES = "computes for more than a second a test"

SLOW: dict[str, str] = {}
"""Folder or file below ``tests`` → reason."""


class StartedProcessError(RuntimeError):
    """A test of the quick lane started a process."""


def reason(path: Path) -> str | None:
    """Why a folder or file is left out of the quick lane; None if it is not."""
    if not path.is_relative_to(ROOT / "tests"):
        return None
    inside = PurePosixPath(path.relative_to(ROOT / "tests").as_posix())
    return next((SLOW[str(one)] for one in (inside, *inside.parents) if str(one) in SLOW), None)


def is_quick(item: pytest.Item) -> bool:
    """Whether a test belongs to the quick lane."""
    fixtures: Iterable[str] = getattr(item, "fixturenames", ())
    marked = any(item.get_closest_marker(name) for name in MARKERS)
    return not marked and FIXTURES.isdisjoint(fixtures) and reason(item.path) is None


class ProcessGuard:
    """Fails a quick test at the place where it starts a process, in whichever lane it runs."""

    def __init__(self) -> None:
        self.test: str | None = None
        """The quick test that runs."""
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.test is not None and event in {"subprocess.Popen", "os.posix_spawn", "os.fork"}:
            raise StartedProcessError(
                f"{self.test} starts a process: name its file in tests/lanes.py ({arguments[:2]})"
            )
