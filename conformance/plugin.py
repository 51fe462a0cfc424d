"""Pytest plugin: ``pytest conformance.toml`` runs every case of the partner's role as a test of its own."""

import asyncio
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NoReturn

import pytest

from conformance import clock
from conformance.cli.output import result_lines
from conformance.model.case import Case
from conformance.model.cause import FAMILY, Cause, cause_result
from conformance.model.library import cases
from conformance.model.result import Outcome, Result
from conformance.role.diagnosis import RunDiagnosis
from conformance.role.runner import CaseSelection, Player, cases_for, diagnosed, run_cases
from conformance.target.setup import Setup, SetupError, read_setup
from conformance.words import both, joined, say
from schemas.rulebook import LANGUAGES, Language

NAME = "conformance.toml"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect ``conformance.toml``, named on the command line or found."""
    return SetupFile.from_parent(parent, path=file_path) if file_path.name == NAME else None


class SetupFile(pytest.File):
    """The cases of one set-up. The role is opened once for all of them. ``cause`` explains the failures, once found."""

    setup_: Setup
    language: Language
    player: Player
    diagnosis: RunDiagnosis
    cause: Result | None = None
    explained: bool = False
    runner: asyncio.Runner
    _stack: AsyncExitStack

    def collect(self) -> Iterator[pytest.Item]:
        """One item per case. Raises CollectError for an invalid set-up."""
        self.language = _language(os.environ)
        try:
            self.setup_ = read_setup(self.path, os.environ)
        except SetupError as error:
            raise self.CollectError(joined((error.text, error.step), " → ")[self.language]) from error
        for case in cases_for(self.setup_, CaseSelection(), cases()):
            yield CaseItem.from_parent(self, name=case.id, case=case, language=self.language)

    def setup(self) -> None:
        """Open the role."""
        self.runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        seed = os.environ.get("CONFORMANCE_SEED") or secrets.token_hex(4)
        opening = self._stack.enter_async_context(diagnosed(self.setup_, seed=seed))
        try:
            self.player, self.diagnosis, cause = self.runner.run(opening)
        except SetupError as error:
            cause = Cause(code=error.code, title=error.text, step=error.step)
        self.cause = None if cause is None else cause_result(cause, self.setup_.role)

    def teardown(self) -> None:
        """Close the role."""
        self.runner.run(self._stack.aclose())
        self.runner.close()


class CaseItem(pytest.Item):
    """One case."""

    def __init__(self, *, case: Case, language: Language, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._case = case
        self._language: Language = language

    def runtest(self) -> None:
        """Run the case. An omission becomes a pytest skip, an announced failure an xfail; any other result but a pass
        raises NotConformingError.
        """
        file = self.parent
        if not isinstance(file, SetupFile):
            raise TypeError("a case belongs to a set-up file")
        if file.cause is not None:
            self._explain(file)
        playing = run_cases(
            [self._case], file.player, file.setup_, on=clock.today(), diagnosis=file.diagnosis, more=True
        )
        result = file.runner.run(playing)[0]
        if result.case.family == FAMILY:
            file.cause = result
            self._explain(file)
        match result.outcome:
            case Outcome.PASS:
                return
            case Outcome.OMIT:
                pytest.skip(self._reason(result))
            case _ if result.announced:
                pytest.xfail(self._reason(result))
        raise NotConformingError(result)

    def _explain(self, file: SetupFile) -> NoReturn:
        """Fail with the cause in the first case that it hides; skip every further one."""
        cause = file.cause
        if cause is None or file.explained:
            pytest.skip("" if cause is None else cause.case.title[self._language])
        file.explained = True
        raise NotConformingError(cause)

    def _reason(self, result: Result) -> str:
        return "" if result.reason is None else result.reason[self._language]

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Expected and found values instead of a traceback through the kit."""
        if isinstance(excinfo.value, NotConformingError):
            return _render_result(excinfo.value.result, self._language)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The set-up file, line 0, and the case's id and title."""
        return self.path, 0, f"{self._case.id}: {self._case.title[self._language]}"


class NotConformingError(Exception):
    """A case that did not pass."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.case.id)
        self.result = result


def _language(environ: Mapping[str, str]) -> Language:
    """The language in ``CONFORMANCE_LANG``, French by default, as for the command. Raises CollectError."""
    named = environ.get("CONFORMANCE_LANG", "fr")
    for language in LANGUAGES:
        if language == named:
            return language
    raise pytest.Collector.CollectError(both(say("no-language", value=repr(named))))


def _render_result(result: Result, language: Language) -> str:
    case = result.case
    title = f"{result.outcome.label[language]}: {case.title[language]} ({', '.join(case.requirements)})"
    return "\n".join([title, *result_lines(result, language)])
