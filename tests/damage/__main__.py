"""Flip bytes in every file under a populated data folder: ``python -m tests.damage --trials 200 --seed 1``."""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.damage.populated import populate
from tests.damage.trial import GOOD, Outcome, attempt


async def trials(number: int, seed: int, *, workers: int = 0) -> list[Outcome]:
    """The outcomes, in order."""
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        whole = [await populate(Path(folder) / "whole", killed=killed) for killed in (False, True)]
        for trial in range(number):
            outcome = await attempt(
                whole[trial % 2], Path(folder) / "trial", seed=seed * 1_000_000 + trial, workers=workers
            )
            outcomes.append(outcome)
            if outcome.name not in GOOD:
                print(f"{trial}: {outcome}", file=sys.stderr, flush=True)  # noqa: T201  # a tool for the terminal
    return outcomes


def main() -> None:
    """Print the tally; end with 1 when an outcome is not a good one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=0)
    asked = parser.parse_args()
    outcomes = asyncio.run(trials(asked.trials, asked.seed, workers=asked.workers))
    tally = Counter((one.flip.kind, "running" if one.running else "stopped", one.name) for one in outcomes)
    for (kind, when, name), count in sorted(tally.items()):
        print(f"{kind:14} {when:8} {name:24} {count:5}")  # noqa: T201  # same
    total = Counter(one.name for one in outcomes)
    print("  ".join(f"{name} {count}" for name, count in sorted(total.items())), f"of {len(outcomes)}")  # noqa: T201  # same
    sys.exit(any(one.name not in GOOD for one in outcomes))


if __name__ == "__main__":
    main()
