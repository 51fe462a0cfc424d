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
_WORKER_US, _BACKGROUND_US = 40, 55
_BATCHES, _READ, _PROXIES = 26_000, 12_500, 2.0
_SINGLES, _SINGLE_MS = 4_500, 18
_FAST_MS = {True: 90, False: 70}
_SLOW_MS = {True: 50, False: 35}


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
    for part, each, bar in (
        ("worker", (busy - workers) / count, _WORKER_US),
        ("background process", (spent - own) / count, _BACKGROUND_US),
    ):
        beside = f"floor {floor * 1e6:.1f} µs; {sum(map(len, raws)) // count:,} bytes, gzip {compression(raws):.1f} : 1"
        what = f"{part}, processor time an offer, {name}"
        yield Row(what, f"{each * 1e6:.0f} µs", times(each, floor) + " floor", f"≤ {bar} µs", each * 1e6 <= bar, beside)
    beside = f"raw {raw:,.0f}/s, floor {1 / floor:,.0f}/s" + (f", plain proxy {proxy.batches:,.0f}/s" if proxy else "")
    for what, rate, least in (
        ("at acknowledgement", count / seconds, _BATCHES),
        ("until a subscriber has all", count / whole, _READ),
    ):
        ratio, met = f"{times(rate, raw)} raw", rate >= least
        aim = f"≥ {least:,}/s"
        if proxy:
            ratio = f"{times(rate, proxy.batches)} plain proxy, {ratio}"
            if least == _BATCHES:
                aim, met = f"{aim}, ≥ {_PROXIES:.0f} × plain proxy", met and rate >= _PROXIES * proxy.batches
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
        f"≥ {_SINGLES:,}/s, p99 ≤ {_SINGLE_MS} ms",
        rate >= _SINGLES and p99 <= _SINGLE_MS,
        beside,
    )


async def latency(name: str, *, kafka: bool, seconds: float) -> AsyncIterator[Row]:
    """Time from a PUT to its receipt by a subscriber that follows the changes feed."""
    raws = documents(1_000, wrong=0)
    async with prepared(kafka=kafka, workers=1) as environment:
        for rate, spent, bar in ((100, seconds / 2, _SLOW_MS[kafka]), (1_000, seconds, _FAST_MS[kafka])):
            raw = await baseline.raw_latency(environment, raws, rate=rate, seconds=spent)
            async with served(environment) as gateway:
                await load.latency(gateway, raws, rate=rate, seconds=1.0, name="warm")
                taken = await load.latency(gateway, raws, rate=rate, seconds=spent, name="seen")
            p99 = percentile(taken, 0.99)
            yield Row(
                f"publish → in a subscriber's hands, {rate:,}/s, {name}",
                quantiles(taken),
                f"{times(p99, percentile(raw, 0.99))} bare log",
                f"p99 ≤ {bar} ms",
                p99 <= bar,
                f"append → reader of the bare log: {quantiles(raw)}",
            )
