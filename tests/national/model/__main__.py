"""``python -m tests.national.model --sequences 2000``: plays random sequences and prints the result."""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path

import structlog

from tests.national.model.player import Report, play
from tests.national.model.sequence import draw

AT_ONCE = 12


async def run(seeds: range, *, progress: bool = False) -> list[Report]:
    """The reports of the sequences of these seeds, a dozen at once."""
    slots = asyncio.Semaphore(AT_ONCE)
    reports: list[Report] = []

    async def one(seed: int) -> None:
        async with slots:
            with tempfile.TemporaryDirectory() as folder:
                reports.append(await play(draw(seed), Path(folder)))
        if progress and len(reports) % 50 == 0:
            wrong = sum(bool(report.differences) for report in reports)
            _say(f"{len(reports)} of {len(seeds)} sequences, {wrong} with differences")

    await asyncio.gather(*map(one, seeds))
    return sorted(reports, key=lambda report: report.seed)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Play, print, and end with 1 if any sequence left a difference."""
    parser = argparse.ArgumentParser(prog="python -m tests.national.model", description=__doc__)
    parser.add_argument("--sequences", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    reports = asyncio.run(run(range(arguments.seed, arguments.seed + arguments.sequences), progress=True))
    faults: Counter[str] = sum((report.faults for report in reports), Counter())
    wrong = [report for report in reports if report.differences]
    for report in wrong:
        _say(f"seed {report.seed}: {'; '.join(report.differences)}")
    _say(f"faults ordered: {', '.join(f'{name} {number}' for name, number in sorted(faults.items()))}")
    _say(f"{len(reports)} sequences, {sum(report.calls for report in reports)} calls, {len(wrong)} with differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
