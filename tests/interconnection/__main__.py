"""The interconnection, played and counted. Exit code 1 if a requirement was violated."""

import argparse
import logging
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from demo.broker import LocalBroker
from gateway.runtime.loop import run
from tests.interconnection.drain import SPEED, drain
from tests.interconnection.play import play

OUT = Console(highlight=False, width=140)


def main() -> int:
    """Read the arguments, play, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.interconnection", description=__doc__)
    parser.add_argument("--log", choices=("embedded", "kafka"), default="embedded", help="which durable log")
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("matrix", help="nine Regions and the national site, both ways, as a table")
    queue = parts.add_parser("drain", help="a long queue for the national site, the gateway killed meanwhile")
    queue.add_argument("--offers", type=int, default=20_000)
    queue.add_argument("--kills", type=int, default=5)
    queue.add_argument("--speed", type=float, default=SPEED, help="how much faster the site's time runs")
    arguments = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the gateway settles a commit of unknown outcome
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="passerelle-interconnection-")))
        kafka = _kafka(stack) if arguments.log == "kafka" else None
        differences = _matrix(folder, kafka) if arguments.part == "matrix" else _drain(folder, kafka, arguments)
    OUT.print(f"wrong: {differences or 'nothing'}")
    return 1 if differences else 0


def _kafka(stack: ExitStack) -> str:
    """The cluster that KAFKA_BOOTSTRAP_SERVERS names, else a broker of our own for as long as this runs."""
    named = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    return named or stack.enter_context(LocalBroker()).bootstrap_servers


def _matrix(folder: Path, kafka: str | None) -> list[str]:
    matrix = run(play(folder, kafka=kafka))
    OUT.print(matrix.table())
    OUT.print(matrix.printed)
    OUT.print(f"echoes left alone: {matrix.echoes}")
    return [*matrix.loops, *matrix.missing()]


def _drain(folder: Path, kafka: str | None, arguments: argparse.Namespace) -> list[str]:
    offers, kills, speed = arguments.offers, arguments.kills, arguments.speed
    drained = run(drain(folder, offers=offers, kills=kills, speed=speed, kafka=kafka, say=OUT.print))
    for line in drained.lines():
        OUT.print(line)
    return drained.differences()


if __name__ == "__main__":
    sys.exit(main())
