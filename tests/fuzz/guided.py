"""One target under atheris, guided by coverage, until libFuzzer's own limit ends the process.

Started by ``python -m tests.fuzz``: nothing runs after the last input, so that figures are written during the run.
"""

import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random

import atheris  # type: ignore[import-untyped]  # it has no types
import orjson

from tests.fuzz.target import Target, by_chance

_EVERY_SECONDS = 2.0
_MAX_KEPT = 100


class Figures:
    """Outcomes so far; ``folder`` takes inputs that violated an invariant, one for each location in the code."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._outcomes: Counter[str] = Counter()
        self._findings: dict[str, str] = {}
        self._slowest = (0.0, b"")
        self._written = time.monotonic()

    def run(self, run_target: Callable[[bytes], str], raw: bytes) -> None:
        """Run one input. A finding is kept and the run continues: the next may be another one."""
        began = time.thread_time()
        try:
            outcome = run_target(raw)
        except Exception as error:  # noqa: BLE001 - whatever a target raises is a finding
            outcome = "finding"
            self._keep(error, raw)
        self._outcomes[outcome] += 1
        spent = time.thread_time() - began
        if spent > self._slowest[0] and outcome != "finding":
            spent = min(spent, *(_cost(run_target, raw) for _ in range(3)))  # a garbage collection may have interfered
            self._slowest = max(self._slowest, (spent, raw))
        if time.monotonic() - self._written > _EVERY_SECONDS:
            self.write()

    def write(self) -> None:
        """The current figures."""
        self._written = time.monotonic()
        seconds, raw = self._slowest
        (self._folder / "slowest").write_bytes(raw)
        figures = {
            "executions": self._outcomes.total(),
            "outcomes": self._outcomes,
            "findings": self._findings,
            "slowest_milliseconds": round(seconds * 1_000, 1),
            "slowest_bytes": len(raw),
        }
        (self._folder / "figures.json").write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))

    def _keep(self, error: Exception, raw: bytes) -> None:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        location = f"{Path(frame.filename).name}:{frame.lineno} {type(error).__name__}"
        if location not in self._findings and len(self._findings) < _MAX_KEPT:
            name = f"finding-{sha256(raw).hexdigest()[:12]}"
            (self._folder / name).write_bytes(raw)
            self._findings[location] = f"{name}: {error}"[:500]
            self.write()


def _cost(run_target: Callable[[bytes], str], raw: bytes) -> float:
    began = time.thread_time()
    run_target(raw)
    return time.thread_time() - began


def mutator(target: Target) -> Callable[[bytes, int, int], bytes]:
    """libFuzzer's mutations, through the target's own mutator."""

    def mutate(raw: bytes, longest: int, seed: int) -> bytes:
        random = Random(seed)
        chance = by_chance(random, target.words)

        def scramble(text: bytes) -> bytes:
            return chance(text) if random.random() < 0.2 else bytes(atheris.Mutate(text, longest))

        return target.mutate(raw, random, scramble)[:longest]

    return mutate


def _entry(word: bytes) -> str:
    """A line of libFuzzer's dictionary."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n'


def main(name: str, folder: Path, options: list[str]) -> None:
    """Instrument our own code, and run until libFuzzer's options end it."""
    with atheris.instrument_imports(include=["schemas", "gateway"]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - instrumented while it is imported
    with TARGETS[name]() as target:
        corpus = folder / "corpus"
        corpus.mkdir(exist_ok=True)
        for seed in target.seeds():
            (corpus / sha256(seed).hexdigest()[:16]).write_bytes(seed)
        words = folder / "words"
        words.write_text("".join(map(_entry, target.words)))
        figures = Figures(folder)
        arguments = [
            sys.argv[0], str(corpus), f"-dict={words}", f"-max_len={target.longest}", f"-artifact_prefix={folder}/",
            "-mutate_depth=2", "-timeout=20", "-rss_limit_mb=1500", "-print_final_stats=1", *options,
        ]  # fmt: skip
        atheris.Setup(arguments, lambda raw: figures.run(target.run, raw), custom_mutator=mutator(target))
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
