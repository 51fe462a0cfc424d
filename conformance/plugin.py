"""A pytest plugin: ``pytest conformance.toml`` plays every case of the partner's role as a test of its own."""

import asyncio
import os
import secrets
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from conformance import clock
from conformance.cli.drive import playing
from conformance.model.case import Case
from conformance.model.library import cases
from conformance.model.result import Outcome, Result
from conformance.role.runner import Choice, Player, cases_for, run_cases
from conformance.target.setup import Setup, read_setup

NAME = "conformance.toml"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take the partner's one file, where it is named on the command line or found."""
    return SetupFile.from_parent(parent, path=file_path) if file_path.name == NAME else None


class SetupFile(pytest.File):
    """The cases of one set-up. The role is made ready once, for all of them."""

    setup_: Setup
    player: Player
    runner: asyncio.Runner
    _stack: AsyncExitStack

    def collect(self) -> Iterator[pytest.Item]:
        """An item for each case."""
        self.setup_ = read_setup(self.path, os.environ)
        for case in cases_for(self.setup_, Choice(), cases()):
            yield CaseItem.from_parent(self, name=case.id, case=case)

    def setup(self) -> None:
        """Make the role ready."""
        self.runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        seed = os.environ.get("CONFORMANCE_SEED") or secrets.token_hex(4)
        self.player = self.runner.run(self._stack.enter_async_context(playing(self.setup_, seed=seed)))

    def teardown(self) -> None:
        """Take the role down."""
        self.runner.run(self._stack.aclose())
        self.runner.close()


class CaseItem(pytest.Item):
    """One case."""

    def __init__(self, *, case: Case, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._case = case

    def runtest(self) -> None:
        """Play it; what is not a pass is told in the test runner's own words."""
        file = self.parent
        if not isinstance(file, SetupFile):
            raise TypeError("a case stands in a set-up file")
        [result] = file.runner.run(run_cases([self._case], file.player, file.setup_, on=clock.today()))
        match result.outcome:
            case Outcome.PASS:
                return
            case Outcome.OMIT:
                pytest.skip((result.reason or {}).get("en", ""))
            case _ if result.announced:
                pytest.xfail((result.reason or {}).get("en", ""))
        raise NotConformingError(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What was expected and found, instead of a trace through the kit."""
        if isinstance(excinfo.value, NotConformingError):
            return _told(excinfo.value.result)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the case comes from, and what it is about."""
        return self.path, 0, f"{self._case.id}: {self._case.title['en']}"


class NotConformingError(Exception):
    """A case that did not pass."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.case.id)
        self.result = result


def _told(result: Result) -> str:
    case = result.case
    lines = [f"{result.outcome.value}: {case.title['en']} ({', '.join(case.requirements)})"]
    lines += [f"  {each.place}\n    expected: {each.expected}\n    found:    {each.actual}" for each in result.findings]
    if result.reason is not None:
        lines.append(f"  {result.reason['en']}")
    return "\n".join([*lines, f"  → {case.mend['en']}"])
