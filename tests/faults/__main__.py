"""The long run: ``python -m tests.faults --log kafka --minutes 30``. Exit code 1 if a requirement was violated."""

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.faults.cluster_fault import ClusterFaults
from tests.faults.deployment import Deployment
from tests.faults.disk import disk_unavailable, small_disk
from tests.faults.embedded_fault import COMPACT, FORGET, FULL_QUEUE, SECOND, SLOW, disk_full
from tests.faults.fault import KILL, STOP
from tests.faults.kafka_fault import COMPACT as COMPACT_KAFKA
from tests.faults.kafka_fault import REPLACE, ZOMBIE, kafka_faults
from tests.faults.plan import rounds
from tests.faults.round import Fault, Verdict, play
from tests.faults.slow_clients import SLOW_CLIENTS_FAULT
from tests.log.kafka.cluster import SIZE, LocalCluster

OUT = Console(highlight=False)
KEPT = Path(".cache/faults")
_DISK_MEGABYTES = 320
_AWAY_SECONDS = 60.0


class Run:
    """Rounds on fresh logs until time is up."""

    def __init__(self, *, seed: str, minutes: float) -> None:
        self.random = Random(seed)
        self.total = Verdict()
        self._seed = seed
        self._minutes = minutes
        self._began = time.monotonic()
        self._round = 0

    @property
    def over(self) -> bool:
        """Whether time is up."""
        return self._elapsed >= self._minutes

    @property
    def _elapsed(self) -> float:
        return (time.monotonic() - self._began) / 60

    def say(self, what: str) -> None:
        """Progress of the run, and its current action."""
        wrong = sum(self.total.wrongs.values())
        OUT.print(f"[dim]{self._elapsed:5.1f}/{self._minutes:g} min  round {self._round}  wrong {wrong}[/]  {what}")

    async def play(self, deployment: Deployment, faults: list[Fault], *, replicas: int = 1) -> None:
        """One round, added to the total; findings are printed at once, and its folder is kept."""
        self._round += 1
        verdict = await play(deployment, faults, seed=f"{self._seed} {self._round}", replicas=replicas, say=self.say)
        self.total.add(verdict)
        for finding in verdict.findings[:20]:
            OUT.print(f"[red]{finding.wrong}[/]: {finding.sentence}", markup=True)
        if verdict.findings:
            kept = KEPT / f"{self._seed}-{self._round}"
            shutil.copytree(deployment.folder, kept, dirs_exist_ok=True)
            OUT.print(f"[red]The folder of this round is kept: {kept}[/]")

    def report(self) -> int:
        """The counts; the exit code."""
        table = Table("faults", "", box=None, title=f"seed {self._seed}, {self._elapsed:.1f} min, {self._round} rounds")
        for counts in (self.total.faults, self.total.counts, self.total.wrongs):
            for name, count in counts.items():
                table.add_row(name, str(count))
            table.add_section()
        for name, seconds in self.total.seconds.items():
            table.add_row(f"{name}: ready again", f"median {median(seconds):.1f} s, longest {max(seconds):.1f} s")
        OUT.print(table)
        return 1 if any(self.total.wrongs.values()) else 0


async def run_embedded(run: Run) -> None:
    """On the embedded log: every other round on a small disk that gets full."""
    kinds = [STOP, SLOW, COMPACT, FORGET, SECOND, SLOW_CLIENTS_FAULT]
    with _folder() as folder:
        unavailable = disk_unavailable(folder)
    if unavailable is not None:
        OUT.print(f"[red bold]!!! NO ROUND ON A FULL DISK: {unavailable} !!![/]")
    for number, faults in enumerate(rounds(kinds, KILL, random=run.random, each=3, kills=5)):
        if run.over:
            return
        with _folder() as folder:
            if number % 6 == 2:
                faults.append(FULL_QUEUE)
            if number % 2 and unavailable is None:
                with small_disk(folder / "one", megabytes=_DISK_MEGABYTES) as disk:
                    full = disk_full(disk)
                    await run.play(Deployment(folder), [full, KILL, KILL, full, KILL])
            else:
                queue = FULL_QUEUE in faults
                workers = 0 if queue else number // 2 % 2
                await run.play(Deployment(folder, workers=workers, small_queue=queue), faults)


async def run_kafka(run: Run) -> None:
    """On a real broker behind a proxy, with two replicas or more."""
    async with kafka_faults(away=_AWAY_SECONDS) as faults:
        kinds = [STOP, REPLACE, ZOMBIE, COMPACT_KAFKA, SLOW_CLIENTS_FAULT, *faults.all()]
        for number, chosen in enumerate(rounds(kinds, KILL, random=run.random, each=6, kills=3)):
            if run.over:
                return
            with _folder() as folder:
                servers, behind = faults.broker.bootstrap_servers, faults.proxy.bootstrap_servers
                deployment = Deployment(folder, kafka=servers, behind=behind, workers=number % 2)
                await run.play(deployment, chosen, replicas=2)


async def run_cluster(run: Run) -> None:
    """On three brokers, with two replicas or more."""
    with LocalCluster() as cluster:
        kinds = [STOP, REPLACE, ZOMBIE, COMPACT_KAFKA, SLOW_CLIENTS_FAULT, *ClusterFaults(cluster).all()]
        for number, chosen in enumerate(rounds(kinds, KILL, random=run.random, each=5, kills=2)):
            if run.over:
                return
            with _folder() as folder:
                deployment = Deployment(folder, kafka=cluster.bootstrap_servers, replication=SIZE, workers=number % 2)
                await run.play(deployment, chosen, replicas=2)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="passerelle-faults-") as folder:
        yield Path(folder)


def main() -> int:
    """Read the arguments, run, report."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--log", choices=("embedded", "kafka"), default="embedded", help="which durable log")
    parser.add_argument("--brokers", type=int, choices=(1, SIZE), default=1, help="how many, of --log kafka")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long; the last round is played to its end")
    parser.add_argument("--seed", default="1", help="the same seed gives the same faults in the same order")
    arguments = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker that is gone is no news here
    run = Run(seed=arguments.seed, minutes=arguments.minutes)
    on_kafka = run_cluster if arguments.brokers == SIZE else run_kafka
    asyncio.run((on_kafka if arguments.log == "kafka" else run_embedded)(run))
    return run.report()


if __name__ == "__main__":
    sys.exit(main())
