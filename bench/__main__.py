"""Measures the table of docs/performance.md: ``python -m bench``, or ``--only`` one of its parts.

    ingest single relay latency     on both logs, a few minutes       views     the offer view at two sizes
    fairness                        others' single PUTs beside one partner's worst permitted load, on both logs
    check                           memory of `passerelle platform check` on a feed of 30 MB and of 300 MB, by format
    cost                            processor time and bytes of one offer, one repeated, one change read, one poll
    inbox                           others' PUTs beside a flooded inbox, and its disk cost, on both logs
    million                         one upload of ``--million`` offers and a restart with them, on both logs

Each row gives the figure, the bar, and further measurements of the same run. Ratios mean more than figures:
client, gateway and broker share the machine.
"""

import argparse
import asyncio
import os
import platform
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from rich.console import Console
from rich.table import Table

from bench import cost, fairness, feed, inbox, load, relay, view_updates, views
from bench.raw import raw_rate
from bench.served import documents, prepared, served
from bench.worst import KINDS

PARTS = ("ingest", "single", "relay", "latency", "fairness", "cost", "check", "inbox", "views", "million")
LOGS = {"Kafka": True, "embedded": False}
WORKERS = 2
RATE = 1_000
SECONDS = 10.0
PUTS = 12_800
COSTED = 30_000
FLOOD = 24_000_000
_QUERIES = ("query", "feed")


@dataclass(frozen=True)
class Row:
    """One measurement, its bar, and further measurements of the same run."""

    what: str
    figure: str
    bar: str
    beside: str = ""


def p(times: list[float], fraction: float) -> float:
    """A percentile in milliseconds."""
    return sorted(times)[min(len(times) - 1, int(len(times) * fraction))] * 1_000


def _each(offers: int, *, workers: float, background: float) -> str:
    """Processor time for one offer."""
    return (
        f"processor time each: workers {workers / offers * 1e6:.0f} µs, background {background / offers * 1e6:.0f} µs"
    )


async def measure_ingest(offers: int) -> AsyncIterator[Row]:
    """Batches by four connections, beside raw appends of the same bytes."""
    raws = documents(offers)
    for name, kafka in LOGS.items():
        async with prepared(kafka=kafka, workers=WORKERS) as environment:
            raw = await raw_rate(environment, raws)
            async with served(environment) as gateway:
                own, workers = gateway.processor()
                seconds, queued = await load.ingest(gateway, raws)
                _, busy = gateway.processor()
                rate = len(raws) / seconds
                began = time.perf_counter()
                await load.held(gateway, queued)
                whole = seconds + time.perf_counter() - began
                spent, _ = gateway.processor()
        bar = "≥ 0.35 of raw, ≥ 30,000/s when raw ≥ 100,000/s" if kafka else "≥ 20,000/s"
        yield Row(f"batch ingest, {name}", f"{rate:,.0f} offers/s", bar, f"{rate / raw:.2f} of raw {raw:,.0f}/s")
        each = _each(len(raws), workers=busy - workers, background=spent - own)
        yield Row("  until a reader has all", f"{len(raws) / whole:,.0f} offers/s", "", each)


async def measure_single(offers: int) -> AsyncIterator[Row]:
    """One offer a request, each durable before its answer."""
    raw = documents(1)[0]
    for name, kafka in LOGS.items():
        async with prepared(kafka=kafka, workers=WORKERS) as environment, served(environment) as gateway:
            await load.single(gateway, raw, 640)
            own, workers = gateway.processor()
            seconds, times = await load.single(gateway, raw, min(offers, PUTS))
            spent, busy = gateway.processor()
        figure = f"{len(times) / seconds:,.0f}/s, p99 {p(times, 0.99):.0f} ms"
        each = _each(len(times), workers=busy - workers, background=spent - own)
        yield Row(f"single PUT, 32 connections, {name}", figure, "≥ 3,500/s, p99 ≤ 20 ms", each)


async def measure_relay(offers: int) -> AsyncIterator[Row]:
    """The relay alone."""
    for name, kafka in LOGS.items():
        rate, raw = await relay.measure(kafka=kafka, offers=offers)
        beside = f"{rate / raw:.2f} of raw {raw:,.0f}/s"
        yield Row(f"relay, exactly once, {name}", f"{rate:,.0f} offers/s", "≥ 20,000/s", beside)


async def measure_latency(_: int) -> AsyncIterator[Row]:
    """Time from a PUT to its receipt by a reader that follows the changes feed."""
    raw = documents(1)[0]
    for name, kafka in LOGS.items():
        async with prepared(kafka=kafka, workers=1) as environment, served(environment) as gateway:
            few = await load.latency(gateway, raw, rate=RATE // 10, seconds=SECONDS / 2)
            times = await load.latency(gateway, raw, rate=RATE, seconds=SECONDS)
        figure = f"p50 {p(times, 0.5):.0f} ms, p99 {p(times, 0.99):.0f} ms"
        beside = f"at {RATE // 10}/s p50 {p(few, 0.5):.0f} ms, p99 {p(few, 0.99):.0f} ms"
        bar = "p99 ≤ 150 ms" if kafka else ""
        yield Row(f"publish → in a reader's hands, {RATE:,}/s, {name}", figure, bar, beside)


async def measure_fairness(
    _: int, *, kinds: Sequence[str] = tuple(KINDS), logs: Sequence[str] = tuple(LOGS)
) -> AsyncIterator[Row]:
    """Single PUTs of one partner beside another's worst permitted load."""
    for name in logs:
        found = {
            one.kind: p(one.times, 0.99)
            async for one in fairness.measure(kafka=LOGS[name], workers=WORKERS, seconds=SECONDS, kinds=kinds)
        }
        calm = found.pop("calm")
        worst = max(found, key=lambda kind: found[kind])
        each = ", ".join(f"{kind} {found[kind]:.0f}" for kind in found)
        figure = f"p99 {calm:.0f} → {found[worst]:.0f} ms, {found[worst] / calm:.1f}×"
        bar = "≤ 2 × calm or ≤ 25 ms"
        yield Row(f"others' PUT beside the worst of one partner, {name}", figure, bar, f"p99 ms beside {each}")


async def measure_cost(offers: int) -> AsyncIterator[Row]:
    """Processor time and bytes of each kind of request."""
    for name, kafka in LOGS.items():
        async for one in cost.measure(kafka=kafka, offers=min(offers, COSTED)):
            figure = f"{one.gateway:,.0f} µs" + (f" and the broker's {one.broker:,.0f} µs" if kafka else "")
            stored = ", ".join(f"{where} {size:,.0f}" for where, size in one.stored.items() if size >= 1)
            yield Row(f"{one.what}, {name}", figure, "", f"bytes on disk: {stored}" if stored else "")


async def measure_check(_: int) -> AsyncIterator[Row]:
    """Peak memory of ``passerelle platform check``, at two sizes of the sample."""
    for form in feed.FORMS:
        small, large = [await asyncio.to_thread(feed.measure, form, size) for size in feed.SIZES]
        figure = f"{small.peak / 1e6:.0f} → {large.peak / 1e6:.0f} MB, {large.peak / small.peak - 1:+.0%}"
        beside = f"{large.items:,} items in {large.seconds:.0f} s"
        yield Row(f"check, {feed.SIZES[0]} → {feed.SIZES[1]} MB of {form}", figure, "≤ +20 %", beside)


async def measure_inbox(_: int) -> AsyncIterator[Row]:
    """One partner's inbox flooded with refused messages, beside one client of another partner."""
    for name, kafka in LOGS.items():
        for workers in (0, WORKERS):
            seen = await inbox.wait_beside(inbox.worst(FLOOD), kafka=kafka, workers=workers)
            calm, beside = p(seen.calm, 0.99), p(seen.beside, 0.99)
            figure = f"p99 {beside:.1f} ms"
            compared = f"{beside / calm:.1f}× calm, p99 {calm:.1f} ms; {len(seen.beside):,} PUTs"
            what = f"PUT beside {FLOOD / 1e6:.0f} MB in an inbox, {workers} workers, {name}"
            yield Row(what, figure, "≤ 2× calm or ≤ 25 ms", compared)
        for kind, flood in (("short", inbox.small(FLOOD // 3)), ("long", inbox.worst(FLOOD // 3))):
            kept = await inbox.keep(flood, kafka=kafka)
            figure = f"{kept.stored / kept.sent:.1f}× what was sent"
            what = f"disk cost of {FLOOD / 3e6:.0f} MB of {kind} refused messages, {name}"
            yield Row(what, figure, "≤ 5×", f"the gateway wrote {kept.written / kept.sent:.1f} bytes per byte sent")


async def measure_views(million: int) -> AsyncIterator[Row]:
    """Pages and queries at 10,000 offers and at a million."""
    small, large = await views.compare(min(10_000, million), million)
    for kind in _QUERIES:
        ratios = {name: large[name] / small[name] for name in small if name.startswith(kind)}
        worst = max(ratios, key=lambda name: ratios[name])
        beside = f"worst: {worst}, {small[worst]:.2f} → {large[worst]:.2f} ms"
        over = sum(ratio > 3 for ratio in ratios.values())
        figure = f"{max(ratios.values()):.1f}×, {len(ratios) - over} of {len(ratios)} within"
        yield Row(f"{kind} at {million:,} offers against 10,000", figure, "≤ 3×", beside)
    for name, bar in zip(views.WORST, ("≤ 1 ms", "≤ 5 ms"), strict=True):
        yield Row(f"{name}, page and count, {million:,} offers", f"{large['page and count: ' + name]:.2f} ms", bar)
    for one in await view_updates.measure(million):
        what = f"random updates of {million:,} live offers, steps of {one.size:,}"
        yield Row(
            what, f"{one.rate:,.0f}/s, p99 of a step {one.p99_ms:.0f} ms", "≥ 15,000/s, p99 of 50 ≤ 100 ms", str(one)
        )


async def measure_million(million: int) -> AsyncIterator[Row]:
    """One long upload, its memory, and a restart with all its offers."""
    raws = documents(min(million, 20_000))
    for name, kafka in LOGS.items():
        async with prepared(kafka=kafka, workers=WORKERS) as environment:
            async with served(environment) as gateway:
                done = await load.upload(gateway, raws, million)
            began = time.perf_counter()
            async with served(environment):
                restart = time.perf_counter() - began
        beside = f"HTTP {done.status}, idle {done.idle / 1e6:,.0f} MB"
        yield Row(f"{million:,} offers in one upload, {name}", f"{million / done.seconds:,.0f} offers/s", "", beside)
        yield Row("  memory above idle, at most", f"{(done.most - done.idle) / 1e6:,.0f} MB", "≤ 300 MB")
        bar = "≤ 60 s" if kafka else "≤ 10 s"
        yield Row(f"restart with {million:,} live offers, {name}", f"ready in {restart:.1f} s", bar)


async def measure(
    only: str | None,
    offers: int,
    million: int,
    show: Callable[[str], None],
    *,
    kinds: Sequence[str] = tuple(KINDS),
    logs: Sequence[str] = tuple(LOGS),
) -> Table:
    """Measure all parts, or one; ``kinds`` and ``logs`` restrict the part ``fairness``."""
    sizes = {"views": million, "million": million}
    works: dict[str, Callable[[int], AsyncIterator[Row]]] = dict(
        zip(
            PARTS,
            (
                measure_ingest,
                measure_single,
                measure_relay,
                measure_latency,
                partial(measure_fairness, kinds=kinds, logs=logs),
                measure_cost,
                measure_check,
                measure_inbox,
                measure_views,
                measure_million,
            ),
            strict=True,
        )
    )
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    table = Table("what", "figure", "bar", "beside, in the same run", title=machine)
    for name, work in works.items():
        if only in {None, name}:
            show(f"measuring: {name}")
            async for row in work(sizes.get(name, offers)):
                show(f"{row.what}: {row.figure}; {row.beside}")
                table.add_row(row.what, row.figure, row.bar, row.beside)
    return table


def main(arguments: list[str]) -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--offers", type=int, default=60_000)
    parser.add_argument("--million", type=int, default=1_000_000)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=tuple(KINDS), help="fairness: these rows only")
    parser.add_argument("--logs", nargs="+", choices=LOGS, default=tuple(LOGS), help="fairness: these logs only")
    given = parser.parse_args(arguments)
    console = Console(width=160, highlight=False)
    measured = measure(given.only, given.offers, given.million, console.print, kinds=given.kinds, logs=given.logs)
    console.print(asyncio.run(measured))


if __name__ == "__main__":
    main(sys.argv[1:])
