"""Mutants of the gateway: deliberately wrong ones, each of which the checker must detect.

``python -m tests.faults.mutants`` copies the code, applies one mutation at a time, and plays a short round of each.
"""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tests.faults.checker import Wrong
from tests.faults.deployment import Deployment
from tests.faults.fault import KILL
from tests.faults.process import ROOT
from tests.faults.round import play

OUT = Console(highlight=False, soft_wrap=True)
_SECONDS = 400
_PLAY = "play"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One text of one file, its replacement, and the expected finding."""

    name: str
    file: str
    old: str
    new: str
    wrong: Wrong


MUTANTS = (
    Mutant(
        "acknowledges what it did not write",
        "gateway/ingest/submissions.py",
        "await self._log.append(SUBMISSIONS, partition, records)",
        "os.urandom(1)[0] < 4 or await self._log.append(SUBMISSIONS, partition, records)",
        "lost",
    ),
    Mutant(
        "writes all of a batch but its last",
        "gateway/ingest/submissions.py",
        "await self._log.append(SUBMISSIONS, partition, records)",
        "await self._log.append(SUBMISSIONS, partition, records[: max(1, len(records) - 1)])",
        "lost",
    ),
    Mutant(
        "lets its feed skip a change after each page",
        "gateway/store/change_feed.py",
        "start = offset_at(rows[-1][0]) + 1",
        "start = offset_at(rows[-1][0]) + 2",
        "lost",
    ),
    Mutant(
        "accepts a revision again",
        "gateway/protocol/decide.py",
        'return Duplicate(known) if known.published else Stale(known, f"withdrawn-{known.reason}")',
        "pass",
        "duplicated",
    ),
    Mutant(
        "keeps a position that lies behind what it wrote",
        "gateway/relay/partition.py",
        "position_record(SUBMISSIONS, self._partition, chunk.position)",
        "position_record(SUBMISSIONS, self._partition, max(0, chunk.position - 3))",
        "duplicated",
    ),
    Mutant(
        "lets an old revision win",
        "gateway/protocol/decide.py",
        "if submission.revision < known.revision:",
        "if False:",
        "reordered",
    ),
    Mutant(
        "numbers changes by the clock alone",
        "gateway/protocol/decide.py",
        "max(known.sequence + 1, now)",
        "now",
        "reordered",
    ),
    Mutant(
        "forgets to tell some removals",
        "gateway/protocol/visibility.py",
        "if not above_start or",
        "if hash(state.id) % 20 == 0 or not above_start or",
        "resurrected",
    ),
)


def find_out(mutant: Mutant) -> dict[str, int]:
    """Findings of the harness. Raises ValueError when the code no longer has that text."""
    with tempfile.TemporaryDirectory(prefix="passerelle-mutant-") as name:
        folder = Path(name)
        for part in ("gateway", "schemas", "tests"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        file = folder / mutant.file
        text = file.read_text()
        if mutant.old not in text:
            raise ValueError(f"{mutant.file} has no {mutant.old!r} any more: mend the mutant that {mutant.name}")
        file.write_text(text.replace(mutant.old, mutant.new))
        command = [sys.executable, "-m", "tests.faults.mutants", _PLAY]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False)
        if done.returncode != 0:
            return {"other": 1}  # the run did not end
        found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
        return found


async def _play() -> None:
    with tempfile.TemporaryDirectory(prefix="passerelle-faults-") as folder:
        verdict = await play(Deployment(Path(folder)), [KILL, KILL], seed="mutant", gap=1.0)
    sys.stdout.write(json.dumps(verdict.wrongs) + "\n")


def main() -> int:
    """Every mutant, one line each; exit code 1 if one was not detected."""
    missed = 0
    for mutant in MUTANTS:
        wrongs = find_out(mutant)
        found = bool(wrongs.get(mutant.wrong))
        missed += not found
        OUT.print(f"{'found ' if found else 'MISSED'} a gateway that {mutant.name}: {wrongs}")
    return 1 if missed else 0


if __name__ == "__main__":
    if sys.argv[1:] == [_PLAY]:
        asyncio.run(_play())
    else:
        sys.exit(main())
