"""The lanes of the tests, read from their marks.

``quick``: no mark. Starts no process, no broker, waits for nothing and computes for less than some seconds.
``smoke``: slow, and one of the few that prove its kind; ``make test`` runs these and the quick ones.
``rest``: marked ``slow``, or with a mark or fixture of what a bare machine lacks.
``alone``: slow, and compares how long something takes: no other test runs beside it, whose load it would measure.

The marks of a file are read from its source: a file of another lane is not imported, which would take half of the quick
lane's time. A test whose lane its source does not show fails, so that each test is in one lane.
"""

import ast
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]

FIXTURES = frozenset({"kafka_broker", "kafka_cluster", "kafka_servers", "running_gateway", "shell"})
"""Fixtures that start a broker, or commands as processes."""

MARKERS = frozenset(
    {
        "slow",
        "browser",
        "generator",
        "image",
        "kafka",
        "nginx",
        "node",
        "postgresql",
        "prometheus",
        "recipes",
        "samples",
        "systemd",
    }
)
"""Markers of slow tests: ``slow``, and those of what this checkout does not hold."""

SMOKE = "smoke"
ALONE = "alone"

LOOKUPS = frozenset({"ldconfig", "gcc", "cc", "ld", "objdump"})
"""What ``ctypes.util.find_library`` starts when a module that uses it is imported."""

QUICK_SECONDS = 20.0
"""Processor time of a quick test, at most: several times that of the longest one, for slow machines."""

_HINTS = re.compile("|".join(sorted({"pytestmark", SMOKE, ALONE, *MARKERS, *FIXTURES})))


class Lane(StrEnum):
    QUICK = "quick"
    SMOKE = "smoke"
    REST = "rest"
    ALONE = "alone"


RUNS = {
    "quick": frozenset({Lane.QUICK}),
    "smoke": frozenset({Lane.QUICK, Lane.SMOKE}),
    "rest": frozenset({Lane.REST}),
    "alone": frozenset({Lane.ALONE}),
}
"""Option of the command line → the lanes that it runs."""


@cache
def lanes_of(path: Path) -> frozenset[Lane]:
    """The lanes of a file's tests, as far as its source shows."""
    text = path.read_text()
    tree = ast.parse(text if _HINTS.search(text) else "")
    module = frozenset[str]().union(*(_marks(one) for one in tree.body if _is_of_module(one)))
    for mark in (SMOKE, ALONE):
        if mark in module:
            return frozenset({Lane(mark)})
    found = frozenset(_marks(tree))
    lanes = {Lane.QUICK if MARKERS.isdisjoint(module) else Lane.REST}
    lanes |= {Lane(mark) for mark in (SMOKE, ALONE) if mark in found}
    if not (MARKERS | FIXTURES).isdisjoint(found):
        lanes.add(Lane.REST)
    return frozenset(lanes)


def _is_of_module(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and [ast.unparse(one) for one in node.targets] == ["pytestmark"]


def _marks(node: ast.AST) -> Iterator[str]:
    """Marks, and arguments that are slow fixtures: ``pytest.mark.kafka`` and ``kafka_broker: LocalBroker``."""
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute) and ast.unparse(one.value) == "pytest.mark":
            yield one.attr
        elif isinstance(one, ast.arg) and one.arg in FIXTURES:
            yield one.arg


def lane(item: pytest.Item) -> Lane:
    marks = {mark.name for mark in item.iter_markers()}
    fixtures: Iterable[str] = getattr(item, "fixturenames", ())
    for mark in (SMOKE, ALONE):
        if mark in marks:
            return Lane(mark)
    return Lane.QUICK if MARKERS.isdisjoint(marks) and FIXTURES.isdisjoint(fixtures) else Lane.REST


def agrees_with_source(item: pytest.Item) -> bool:
    """Whether a test's source shows its lane. Another run may not read its file: it fails in the run that does."""
    return lane(item) in lanes_of(item.path)


class StartedProcessError(RuntimeError):
    """A test of the quick lane started a process."""


class ComputedLongError(RuntimeError):
    """A test of the quick lane computed for long."""


class QuickGuard:
    """Fails a quick test that starts a process or computes for long, in whichever run."""

    def __init__(self) -> None:
        self.test: str | None = None
        """The quick test that runs."""
        sys.addaudithook(self._heard)

    @contextmanager
    def around(self, item: pytest.Item) -> Iterator[None]:
        self.test = item.nodeid if lane(item) is Lane.QUICK else None
        try:
            yield
        finally:
            self.test = None

    @contextmanager
    def clocked(self, seconds: float = QUICK_SECONDS) -> Iterator[None]:
        """Around a test's own part."""
        began = time.process_time()
        yield
        took = time.process_time() - began
        if self.test is not None and took > seconds:
            raise ComputedLongError(f"{self.test} computes for {took:.1f} s: mark it slow")

    def _heard(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.test is None or event not in {"subprocess.Popen", "os.posix_spawn", "os.fork"}:
            return
        if not (arguments and PurePosixPath(str(arguments[0])).name in LOOKUPS):
            raise StartedProcessError(f"{self.test} starts a process: mark it slow ({arguments[:2]})")
