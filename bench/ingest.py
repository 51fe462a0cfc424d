"""Ingest over HTTP: batches, single PUTs, and the time until a subscriber has a published offer, on both logs."""

import time
from collections.abc import AsyncIterator

from bench import baseline, load
from bench.offers import compression, documents
from bench.row import Row, percentile, quantiles, times
from bench.served import prepared, served

WORKERS = 2
PUTS = 12_800
_WARM = 640
_ACKNOWLEDGED, _READ, _SINGLES = 0.55, 0.3, 0.35
"""Rates, as parts of the plain proxy's."""
_SLOW, _LATENCY = 100, 10
"""At 100 offers a second at most 10 times the bare log's latency."""


async def batches(name: str, *, kafka: bool, offers: int) -> AsyncIterator[Row]:
    """Batches by four connections; the processor time of an offer in the workers and in the background process."""
    raws = documents(offers)
    floor = baseline.floor(raws)
    async with prepared(kafka=kafka, workers=WORKERS) as environment:
        raw = await baseline.raw_rate(environment, raws)
        proxy = await baseline.proxy_rates(environment, raws, 0)
        async with served(environment) as gateway:
            own, workers = gateway.processor()
            seconds, queued = await load.ingest(gateway, raws)
            _, busy = gateway.processor()
            began = time.perf_counter()
            await load.held(gateway, queued)
            whole = seconds + time.perf_counter() - began
            spent, _ = gateway.processor()
    count = len(raws)
    for part, each in (("worker", (busy - workers) / count), ("background process", (spent - own) / count)):
        beside = f"floor {floor * 1e6:.1f} µs; {sum(map(len, raws)) // count:,} bytes, gzip {compression(raws):.1f} : 1"
        what = f"{part}, processor time an offer, {name}"
        yield Row(what, f"{each * 1e6:.0f} µs", times(each, floor) + " floor", beside=beside)
    beside = f"raw {raw:,.0f}/s, floor {1 / floor:,.0f}/s" + (f", plain proxy {proxy.batches:,.0f}/s" if proxy else "")
    for what, rate, least in (
        ("at acknowledgement", count / seconds, _ACKNOWLEDGED),
        ("until a subscriber has all", count / whole, _READ),
    ):
        ratio, aim, met = f"{times(rate, raw)} raw", "", None
        if proxy:
            ratio = f"{times(rate, proxy.batches)} plain proxy, {ratio}"
            aim, met = f"≥ {least} × plain proxy", rate >= least * proxy.batches
        yield Row(f"batch ingest {what}, {name}", f"{rate:,.0f}/s", ratio, aim, met, beside)


async def singles(name: str, *, kafka: bool, offers: int) -> AsyncIterator[Row]:
    """One offer a request, each durable before its answer."""
    raws = documents(min(offers, PUTS), wrong=0)
    floor = baseline.floor(raws)
    async with prepared(kafka=kafka, workers=WORKERS) as environment:
        proxy = await baseline.proxy_rates(environment, raws, len(raws))
        raw = proxy.singles if proxy else await baseline.raw_singles(environment, raws)
        async with served(environment) as gateway:
            await load.single(gateway, raws[:_WARM], "warm")
            own, workers = gateway.processor()
            seconds, taken = await load.single(gateway, raws, "single")
            spent, busy = gateway.processor()
    count = len(taken)
    rate, p99 = count / seconds, percentile(taken, 0.99)
    beside = (
        f"{'plain proxy' if proxy else 'raw appends'} {raw:,.0f}/s; workers {(busy - workers) / count * 1e6:.0f} µs, "
        f"background {(spent - own) / count * 1e6:.0f} µs, floor {floor * 1e6:.1f} µs"
    )
    yield Row(
        f"single PUT, 32 connections, {name}",
        f"{rate:,.0f}/s, p99 {p99:.0f} ms",
        f"{times(rate, raw)} {'plain proxy' if proxy else 'raw appends'}",
        f"≥ {_SINGLES} × plain proxy" if proxy else "",
        rate >= _SINGLES * raw if proxy else None,
        beside,
    )


async def latency(name: str, *, kafka: bool, seconds: float) -> AsyncIterator[Row]:
    """Time from a PUT to its receipt by a subscriber that follows the changes feed."""
    raws = documents(1_000, wrong=0)
    async with prepared(kafka=kafka, workers=1) as environment:
        for rate, spent in ((_SLOW, seconds / 2), (1_000, seconds)):
            raw = await baseline.raw_latency(environment, raws, rate=rate, seconds=spent)
            async with served(environment) as gateway:
                await load.latency(gateway, raws, rate=rate, seconds=1.0, name="warm")
                taken = await load.latency(gateway, raws, rate=rate, seconds=spent, name="seen")
            p99, bare = percentile(taken, 0.99), percentile(raw, 0.99)
            judged = kafka and rate == _SLOW
            yield Row(
                f"publish → in a subscriber's hands, {rate:,}/s, {name}",
                quantiles(taken),
                f"{times(p99, bare)} bare log",
                f"≤ {_LATENCY} × bare log" if judged else "",
                p99 <= _LATENCY * bare if judged else None,
                f"append → reader of the bare log: {quantiles(raw)}",
            )
