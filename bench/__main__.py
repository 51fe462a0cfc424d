"""Measures the tables of docs/performance.md: ``make bench``, an hour; ``python -m bench --only PART`` for one part.

    ingest      batches over HTTP: processor time of an offer, rate at acknowledgement and until a subscriber has all
    single      single PUTs over 32 connections
    latency     publish → in a subscriber's hands, at 100 and 1,000 offers a second
    push        publish → at 20 endpoints by push, at 500 offers a second, beside the feed
    relay       the relay alone
    views       pages and filtered queries at ``--million`` offers against 10,000, and the two worst queries
    home        the home page, nothing kept, and a list by words, at 100,000 offers
    digest      the digest of a reader's copy, built and kept, at 100,000 offers
    systems     the operator's page of twelve systems, at 10,000 offers
    updates     random updates of ``--million`` live offers through the view
    million     one upload of ``--million`` offers: memory; restart with them; on Kafka the takeover of the relay
    fairness    others' single PUTs beside one partner's worst permitted load (``--kinds`` of it)
    cost        processor time and bytes of one offer, one repeated, one change read, one poll
    inbox       others' PUTs beside a flooded inbox, and its disk cost
    check       memory of ``passerelle platform check`` at two sizes of a feed, by format

Each row has the ratio to a baseline of the same run, the figure, its bar and whether it is met. Ratios mean more than
figures: client, gateway and broker share the machine. ``bench.baseline`` defines the floor, raw appends and the plain
proxy; ``bench.offers`` the offers. Everything once in small, in a few minutes, to see that it works:

    python -m bench --offers 2000 --million 20000 --seconds 2
    make bench ONLY="ingest single" LOGS=Kafka OFFERS=5000
"""

import argparse
import asyncio
import os
import platform
import sys
from collections.abc import AsyncIterator, Callable

from rich.console import Console
from rich.table import Table

from bench import (
    cost,
    digest,
    fairness,
    home,
    inbox,
    ingest,
    million,
    platform_check,
    pushes,
    relay,
    systems,
    view_updates,
    views,
)
from bench.row import Row, table
from bench.worst import KINDS

LOGS = {"Kafka": True, "embedded": False}
ON_LOGS = ("ingest", "single", "latency", "push", "relay", "million", "fairness", "cost", "inbox", "asleep")
PARTS = (*ON_LOGS[:5], "views", "home", "digest", "systems", "updates", *ON_LOGS[5:], "check")
_FLOOD_BYTES = 400
"""Bytes of a flooded inbox for each of ``--offers``: 24 MB by default."""


def rows(part: str, log: str, given: argparse.Namespace) -> AsyncIterator[Row]:
    """The rows of one part, on this log if it needs one."""
    kafka, offers, seconds = LOGS.get(log, False), given.offers, given.seconds
    measures: dict[str, Callable[[], AsyncIterator[Row]]] = {
        "ingest": lambda: ingest.batches(log, kafka=kafka, offers=offers),
        "single": lambda: ingest.singles(log, kafka=kafka, offers=offers),
        "latency": lambda: ingest.latency(log, kafka=kafka, seconds=seconds),
        "push": lambda: pushes.latency(log, kafka=kafka, seconds=seconds),
        "asleep": lambda: pushes.beside_a_sleeper(log, kafka=kafka, seconds=seconds),
        "relay": lambda: relay.measure(log, kafka=kafka, offers=offers),
        "views": lambda: views.measure(given.million),
        "home": lambda: home.measure(min(home.OFFERS, given.million)),
        "digest": lambda: digest.measure(min(home.OFFERS, given.million)),
        "systems": lambda: systems.measure(min(systems.OFFERS, given.million)),
        "updates": lambda: view_updates.measure(given.million),
        "million": lambda: million.measure(log, kafka=kafka, million=given.million),
        "fairness": lambda: fairness.measure(log, kafka=kafka, seconds=seconds, kinds=given.kinds),
        "cost": lambda: cost.measure(log, kafka=kafka, offers=offers),
        "inbox": lambda: inbox.measure(log, kafka=kafka, size=offers * _FLOOD_BYTES),
        "check": lambda: platform_check.measure(given.million),
    }
    return measures[part]()


async def measure(given: argparse.Namespace, console: Console) -> Table:
    """Measure the parts that are asked for; each row is printed as soon as it is known."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    found = table(f"{machine}; load at the start {os.getloadavg()[0]:.1f}")
    for part in given.only:
        for log in given.logs if part in ON_LOGS else [""]:
            async for row in rows(part, log, given):
                console.print(*filter(None, row.cells()), sep=" | ", soft_wrap=True)
                found.add_row(*row.cells())
    return found


def main(arguments: list[str]) -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    parser.add_argument("--logs", nargs="+", choices=LOGS, default=tuple(LOGS))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=tuple(KINDS))
    parser.add_argument("--offers", type=int, default=60_000)
    parser.add_argument("--million", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement at a steady rate")
    console = Console(width=200, highlight=False)
    console.print(asyncio.run(measure(parser.parse_args(arguments), console)))


if __name__ == "__main__":
    main(sys.argv[1:])
