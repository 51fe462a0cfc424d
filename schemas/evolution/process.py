"""Releases at work: each answers in a process of its own, with its own code, lists and calendars (see ``answer``)."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import orjson

TREE = Path(__file__).parents[2]
"""The tree of the running program."""
RELEASES = TREE / "schemas" / "releases"
PRESENT = "."
"""The origin of the release of the running program, whatever folder it was started in."""
PROGRAM, INDEX = "verdict.pyz", "release.json"
_START = """
import resource, runpy, sys
for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
    resource.setrlimit(limit, (0, 0))
sys.path.insert(0, sys.argv[1])
runpy.run_path(sys.argv[2], run_name="__main__")
"""
"""Runs a release's program with its own package, before any that is installed: no file written, no further process."""
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TZ")
"""Of this process's environment, which may hold secrets."""
_BATCH = 500


class ReleaseError(ValueError):
    """No release can be compared under this name: it is ``unknown``, or ``silent``, for its program has ended."""

    def __init__(self, reason: Literal["unknown", "silent"], origin: str) -> None:
        super().__init__(f"the release {origin} is {reason}")
        self.reason, self.origin = reason, origin


@dataclass(frozen=True)
class ReleaseAnswer:
    """A verdict: whether the document is accepted, and the codes of its errors, if it is a submission."""

    accepted: bool
    codes: tuple[str, ...]


def command_of(origin: str) -> list[str]:
    """The command that starts a release's process: by its name, its folder, or that of a tree. Raises ReleaseError."""
    known = RELEASES / origin
    folder = TREE if origin == PRESENT else known if origin and (known / INDEX).is_file() else Path(origin)
    start = [sys.executable, "-I", "-B", "-c", _START]
    if (folder / INDEX).is_file():
        return [*start, str(folder / PROGRAM), str(folder / PROGRAM)]
    program = folder / "schemas" / "evolution" / "answer.py"
    if not program.is_file():
        raise ReleaseError("unknown", origin)
    return [*start, str(folder), str(program)]


def names() -> list[str]:
    """The names of the releases on file, oldest first."""
    found = [path.parent for path in RELEASES.glob(f"*/{INDEX}")]
    return [path.name for path in sorted(found, key=lambda path: orjson.loads((path / INDEX).read_bytes())["recorded"])]


class Release:
    """The process of a release, while it is open. Raises ReleaseError if it does not answer."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        self._process = subprocess.Popen(  # noqa: S603 - a release that the user names
            command_of(origin), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=kept
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process, which has nothing to write."""
        self._process.kill()
        self._process.communicate()

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The release's data, as ``answer.facts`` gives them."""
        known: dict[str, Any] = self._ask({"facts": True})
        return known

    def judge(
        self, schema: str, on: str, documents: Sequence[Any], activations: Mapping[str, str] | None = None
    ) -> list[ReleaseAnswer]:
        """The verdict on each document, received on a day (ISO), where releases hold from these days on."""
        found: list[ReleaseAnswer] = []
        for start in range(0, len(documents), _BATCH):
            part = documents[start : start + _BATCH]
            answers = self._ask({"schema": schema, "on": on, "documents": part, "activations": activations or {}})
            found += [ReleaseAnswer(accepted, tuple(codes)) for accepted, codes in answers]
        return found

    def _ask(self, question: dict[str, Any]) -> Any:
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("both are pipes")
        try:
            self._process.stdin.write(orjson.dumps(question) + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            raise ReleaseError("silent", self.origin)
        return orjson.loads(line)
