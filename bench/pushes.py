"""Time from a PUT until 20 endpoints have its change by push, beside the changes feed in the same run; and that of the
others while one of them answers nothing, beside that of the same ones while all answer.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import orjson
from aiohttp import web

from bench import load
from bench.offers import documents
from bench.row import Row, percentile, quantiles, times
from bench.served import Environment, prepared, served
from gateway.bootstrap.log import open_log
from gateway.partners import Partners
from gateway.protocol.partner import Partner
from gateway.protocol.subscription import MAX_SUBSCRIPTIONS, SigningKey, Subscription
from gateway.push.book import Edit, SubscriptionBook

RATES, PLATFORMS = (100, 500), 4
_SLEEPER, _SLEEPING_RATE, _BAR, _ROUNDS = "/reader-0/copy-0", 50, 1.2, 3
_WAIT_SECONDS = 30.0
_NONCE = "00" * 16


@dataclass
class _Endpoints:
    """What came, by the time since it was sent; an endpoint that gets a change twice counts its first. ``asleep``: one
    of them answers nothing.
    """

    url: str = ""
    sent: dict[str, float] = field(default_factory=dict)
    taken: dict[tuple[str, str], float] = field(default_factory=dict)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    asleep: bool = False

    async def answer(self, request: web.Request) -> web.Response:
        page, now = orjson.loads(await request.read()), time.perf_counter()
        if self.asleep and request.path == _SLEEPER:
            await asyncio.sleep(_WAIT_SECONDS)
        for change in page["changes"]:
            if change["id"] in self.sent:
                self.taken.setdefault((request.path, change["id"]), now - self.sent[change["id"]])
        self.arrived.set()
        return web.Response(status=204)

    def of_others(self) -> list[float]:
        """The times of the endpoints that never sleep."""
        return [spent for (path, _), spent in self.taken.items() if path != _SLEEPER]


async def latency(name: str, *, kafka: bool, seconds: float) -> AsyncIterator[Row]:
    """Each change goes to every endpoint, of four platforms with five each."""
    raws = documents(1_000, wrong=0)
    async with prepared(kafka=kafka, workers=1) as fresh, _serving() as endpoints:
        environment = replace(fresh, settings=replace(fresh.settings, loopback_feeds=1))
        await _subscribe(environment, endpoints.url)
        for rate in RATES:
            endpoints.sent, endpoints.taken = {}, {}
            async with served(environment) as gateway:
                await load.latency(gateway, raws, rate=rate, seconds=1.0, name="warm")
                feed = await load.latency(gateway, raws, rate=rate, seconds=seconds, name="seen", sent=endpoints.sent)
                expected = len(endpoints.sent) * PLATFORMS * MAX_SUBSCRIPTIONS
                with suppress(TimeoutError):
                    async with asyncio.timeout(_WAIT_SECONDS):
                        while len(endpoints.taken) < expected:
                            await endpoints.arrived.wait()
                            endpoints.arrived.clear()
            taken = list(endpoints.taken.values())
            yield Row(
                f"publish → at {PLATFORMS * MAX_SUBSCRIPTIONS} endpoints by push, {rate}/s, {name}",
                quantiles(taken),
                f"{times(percentile(taken, 0.99), percentile(feed, 0.99))} changes feed",
                beside=f"feed: {quantiles(feed)}; {expected - len(taken):,} of {expected:,} missing",
            )


async def beside_a_sleeper(name: str, *, kafka: bool, seconds: float) -> AsyncIterator[Row]:
    """Rounds with and without the sleeper alternate, so that both meet the same machine."""
    raws = documents(1_000, wrong=0)
    taken: dict[bool, list[float]] = {False: [], True: []}
    async with prepared(kafka=kafka, workers=1) as fresh, _serving() as endpoints:
        environment = replace(fresh, settings=replace(fresh.settings, loopback_feeds=1))
        await _subscribe(environment, endpoints.url)
        async with served(environment) as gateway:
            await load.latency(gateway, raws, rate=_SLEEPING_RATE, seconds=1.0, name="warm")
            for number in range(2 * _ROUNDS):
                endpoints.asleep, endpoints.sent, endpoints.taken = number % 2 == 1, {}, {}
                await load.latency(
                    gateway, raws, rate=_SLEEPING_RATE, seconds=seconds / 2, name=f"s{number}", sent=endpoints.sent
                )
                others = len(endpoints.sent) * (PLATFORMS * MAX_SUBSCRIPTIONS - 1)
                async with asyncio.timeout(_WAIT_SECONDS):
                    while len(found := endpoints.of_others()) < others:
                        await endpoints.arrived.wait()
                        endpoints.arrived.clear()
                taken[endpoints.asleep] += found
    ratio = percentile(taken[True], 0.99) / percentile(taken[False], 0.99)
    yield Row(
        f"the others beside an endpoint that sleeps, {_SLEEPING_RATE}/s, {name}",
        quantiles(taken[True]),
        f"{ratio:.2f} × p99 while all answer",
        f"≤ {_BAR} ×",
        ratio <= _BAR,
        f"all answer: {quantiles(taken[False])}",
    )


@asynccontextmanager
async def _serving() -> AsyncIterator[_Endpoints]:
    endpoints, app = _Endpoints(), web.Application(client_max_size=1 << 20)
    app.router.add_post("/{path:.*}", endpoints.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        endpoints.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield endpoints
    finally:
        await runner.cleanup()


async def _subscribe(environment: Environment, url: str) -> None:
    async with (
        open_log(environment.settings) as log,
        Partners(log).caught_up_once() as partners,
        SubscriptionBook(log).caught_up_once() as book,
    ):
        for number in range(PLATFORMS):
            platform = f"reader-{number}"
            known = Partner(platform=platform, name=platform, scopes=frozenset({"offers:read"}), joined_at=1)
            await partners.save(known)
            for name in map("copy-{}".format, range(MAX_SUBSCRIPTIONS)):
                one = Subscription(
                    id=f"{platform}-{name}",
                    name=name,
                    url=f"{url}/{platform}/{name}",
                    max_batch=65_536,
                    keys=(SigningKey(nonce=_NONCE),),
                    consent=_NONCE,
                    confirmed=True,
                )
                await book.change(platform, 1, _putting(one))


def _putting(one: Subscription) -> Edit:
    return lambda own: own.put(one)
