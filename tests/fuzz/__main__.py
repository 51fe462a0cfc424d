"""The long run: ``python -m tests.fuzz --target check --minutes 10``. Exit code 1 if an invariant was violated.

Needs the extra ``fuzz``: ``pip install atheris``. Findings, the slowest input and the corpus stay in ``--folder``.
"""

import argparse
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import orjson
from rich.console import Console

from tests.fuzz.targets import TARGETS

OUT = Console(highlight=False, markup=False, soft_wrap=True)
ROOT = Path(__file__).parents[2]
_COVERED = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)")
_CRASHED = ("crash-*", "timeout-*", "oom-*")


def main() -> int:
    """Read the arguments, run each target in a process of its own, report."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--target", choices=(*TARGETS, "all"), default="all", help="what to feed")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long, for each target")
    parser.add_argument("--folder", type=Path, default=Path(".cache/fuzz"), help="where corpora and findings are kept")
    arguments = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        OUT.print("atheris is not installed. Next step: .venv/bin/pip install atheris (Linux and macOS only)")
        return 2
    names = list(TARGETS) if arguments.target == "all" else [arguments.target]
    return max([_run(name, arguments.folder.absolute() / name, seconds=int(arguments.minutes * 60)) for name in names])


def _run(name: str, folder: Path, *, seconds: int) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "libfuzzer.log"
    command = [sys.executable, "-m", "tests.fuzz.guided", name, str(folder), f"-max_total_time={seconds}"]
    with written.open("wb") as log:
        ended = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False)
    covered = _COVERED.findall(written.read_text(errors="replace"))
    try:
        figures = orjson.loads((folder / "figures.json").read_bytes())
    except FileNotFoundError:
        OUT.print(f"{name}: it did not start; see {written}")
        return 2
    crashed = sorted(found.name for pattern in _CRASHED for found in folder.glob(pattern))
    branches, features, inputs = covered[-1] if covered else ("0", "0", "0")
    OUT.print(f"{name}: {figures['executions']:,} executions in {seconds} s, exit code {ended.returncode}")
    OUT.print(f"  coverage: {branches} branches, {features} features, {inputs} inputs in the corpus")
    OUT.print("  outcomes: " + ", ".join(f"{word} {count:,}" for word, count in sorted(figures["outcomes"].items())))
    OUT.print(f"  slowest: {figures['slowest_milliseconds']} ms of CPU for {figures['slowest_bytes']} bytes")
    OUT.print(f"  findings: {len(figures['findings'])}, crashes and hangs: {len(crashed)}")
    for location, finding in figures["findings"].items():
        OUT.print(f"    {location}  {finding}")
    return 1 if figures["findings"] or crashed or ended.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
