"""Management: health, readiness and metrics, on a port of their own that no partner reaches.

Counters count as requests are answered; gauges read current state and backlog from the components at each scrape.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeAlias, get_args

import orjson
from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from gateway.api.problem import forbid_sniffing
from gateway.log.port import EventLog
from gateway.log.positions import Positions, unread
from gateway.operate.status import last_success
from gateway.partners import Partners
from gateway.protocol.receipt import refusals_key, unlisted
from gateway.protocol.source_run import Outcome
from gateway.protocol.topic import INBOX, SUBMISSIONS
from gateway.store import DeliveryView, OfferView, ReceiptView
from gateway.store.runs import RunView
from gateway.store.view import View

Readiness: TypeAlias = Callable[[], Mapping[str, bool]]
"""The conditions of readiness, by name."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_VERDICTS = ("accepted", "duplicate", "stale", "rejected")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
_GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "relay_lag_seconds": ("Age of the oldest submission in decision; absent while a partition is not relayed.", ()),
    "undecided": ("Submissions that wait to be decided, in offsets of the log.", ()),
    "view_lag": ("Offsets by which a view is behind its topic.", ("view",)),
    "view_position": ("The next offset that a view will read.", ("view", "partition")),
    "inbox_lag": ("Messages of a platform that were not yet taken in, in offsets.", ("platform",)),
    "inbox_refusals_unlisted": (
        "Messages of a platform's inbox that were refused without a receipt, on the last day with refusals.",
        ("platform",),
    ),
    "pulls": ("Fetches of feeds under way, by lane (quick, slow), and those that wait for one (waiting).", ("lane",)),
    "live_offers": ("Live offers of a platform.", ("platform",)),
    "receipts": ("Submissions of a platform in the last 30 days, by verdict.", ("platform", "verdict")),
    "deliveries": ("Offers of a platform at the national site, by state.", ("platform", "state")),
    "last_success_timestamp_seconds": (
        "Last success of a platform: an accepted submission, or a run of its feed without failure.",
        ("platform",),
    ),
    "feed_run": ("1 for the outcome of the last run of a platform's feed, 0 for the others.", ("platform", "outcome")),
    "feed_period_seconds": ("Time from one run of a platform's feed to the next, by its profile.", ("platform",)),
}
OTHER = "other"
"""The label of requests of no partner: without a token, or with an invalid one."""
_Sample = tuple[str, tuple[str, ...], float]


class Metrics:
    """The counters of one gateway. Every label has a bounded set of values, independent of the requests."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "passerelle_requests",
            "Requests answered, by route template, method and status.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "passerelle_request_seconds",
            "Time from the first byte of a request to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._platforms = Counter(
            "passerelle_platform_requests",
            "Requests answered, by platform and status; other: requests without a valid token.",
            ("platform", "status"),
            registry=self.registry,
        )
        self._verdicts = Counter(
            "passerelle_verdicts", "Submissions decided, by verdict.", ("verdict",), registry=self.registry
        )
        for verdict in _VERDICTS:
            self._verdicts.labels(verdict)
        self._refusals = Counter(
            "passerelle_refusals",
            "Documents that the verdict refused, by rule; one that breaks several counts under each.",
            ("rule",),
            registry=self.registry,
        )
        self._counted: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._counted_platforms: dict[tuple[str, int], Counter] = {}

    def count_verdicts(self, verdicts: Mapping[str, int]) -> None:
        """Count the decisions of the relay, by verdict."""
        for verdict, number in verdicts.items():
            self._verdicts.labels(verdict).inc(number)

    def count_refusals(self, rules: Mapping[str, int]) -> None:
        """Count refused documents, by the rules of the catalogue that they break."""
        for rule, number in rules.items():
            self._refusals.labels(rule).inc(number)

    def count_request(self, *, route: str, method: str, status: int, seconds: float, platform: str | None) -> None:
        """Count one answered request; ``route`` is a template such as ``/v1/offers/{id}``, never an address, and
        ``platform`` the slug of an authenticated partner, None for any other client.
        """
        labels = (route, method if method in _METHODS else "other", status)
        found = self._counted.get(labels)
        if found is None:
            found = self._counted[labels] = (self._requests.labels(*labels), self._seconds.labels(route))
        requests, times = found
        requests.inc()
        times.observe(seconds)
        client = (OTHER if platform is None else platform, status)
        by_platform = self._counted_platforms.get(client)
        if by_platform is None:
            by_platform = self._counted_platforms[client] = self._platforms.labels(*client)
        by_platform.inc()


METRICS: web.AppKey[Metrics] = web.AppKey("metrics", Metrics)
"""Set by the composition root on the API; an application without it counts nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GaugeInputs:
    """The components that the gauges read. ``views`` are by the name of their topic; ``feed_periods_ms`` has the feeds
    that are pulled, by platform.
    """

    log: EventLog
    positions: Positions
    partners: Partners
    offers: OfferView
    receipts: ReceiptView
    deliveries: DeliveryView
    runs: RunView
    views: Mapping[str, View]
    relay_lag_ms: Callable[[], int | None]
    pulls: Callable[[], Mapping[str, int]]
    feed_periods_ms: Callable[[], Mapping[str, int]]


class Gauges(Collector):
    """One gauge of each kind. The label ``platform`` only takes the slugs of partners, regardless of input (SEC-007).

    A figure that cannot be read now, because the log is unavailable or a view is being filled, is absent: any other
    figure would hide that.
    """

    def __init__(self, registry: CollectorRegistry, sources: GaugeInputs) -> None:
        self._sources = sources
        self._samples: list[_Sample] = []
        registry.register(self)

    async def read(self) -> None:
        """Read all gauges now."""
        self._samples = [*await self._of_the_log(), *await self._of_platforms()]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The samples of the last ``read``, for the registry: a ``Gauge`` object would keep a figure that is gone."""
        for name, (meaning, labels) in _GAUGES.items():
            family = GaugeMetricFamily(f"passerelle_{name}", meaning, labels=labels)
            for sampled, values, value in self._samples:
                if sampled == name:
                    family.add_metric(values, value)
            yield family

    async def _of_the_log(self) -> list[_Sample]:
        sources = self._sources
        waiting = await unread(sources.log, SUBMISSIONS, sources.positions.of(SUBMISSIONS))
        lag = sources.relay_lag_ms()
        samples = [*_known("relay_lag_seconds", (), None if lag is None else lag / 1_000)]
        samples += _known("undecided", (), waiting)
        samples += [("pulls", (lane,), number) for lane, number in sources.pulls().items()]
        for name, view in sources.views.items():
            samples += _known("view_lag", (name,), await unread(sources.log, name, view.positions))
            samples += [("view_position", (name, str(p)), at) for p, at in enumerate(view.positions)]
        return samples

    async def _of_platforms(self) -> list[_Sample]:
        sources = self._sources
        receipts = await sources.receipts.counts() if sources.receipts.caught_up else {}
        deliveries = await sources.deliveries.summaries() if sources.deliveries.caught_up else {}
        samples = await self._of_successes()
        for partner in sources.partners.all():
            slug = partner.platform
            if sources.offers.caught_up:
                samples.append(("live_offers", (slug,), await sources.offers.count(slug)))
            samples += [("receipts", (slug, name), one.number) for name, one in receipts.get(slug, {}).items()]
            if slug in deliveries:
                states = deliveries[slug].states
                samples += [("deliveries", (slug, state), number) for state, number in states.items()]
            if partner.inbox:
                topic = INBOX + slug
                samples += _known("inbox_lag", (slug,), await unread(sources.log, topic, sources.positions.of(topic)))
                samples.append(
                    ("inbox_refusals_unlisted", (slug,), unlisted(sources.positions.of(refusals_key(topic))))
                )
        return samples

    async def _of_successes(self) -> list[_Sample]:
        """Last successes, and the feeds; none while the view of receipts or of runs is being filled."""
        sources = self._sources
        if not (sources.receipts.caught_up and sources.runs.caught_up):
            return []
        receipts, runs, periods = await sources.receipts.counts(), await sources.runs.last(), sources.feed_periods_ms()
        samples: list[_Sample] = []
        for partner in sources.partners.all():
            slug = partner.platform
            if partner.revoked:
                continue  # it owes nothing
            at = last_success(receipts.get(slug, {}), runs.get(slug))
            samples += _known("last_success_timestamp_seconds", (slug,), None if at is None else at / 1_000)
            if slug in periods:
                samples.append(("feed_period_seconds", (slug,), periods[slug] / 1_000))
            if slug in periods and slug in runs:
                ended = runs[slug].outcome
                samples += [("feed_run", (slug, outcome), float(outcome == ended)) for outcome in get_args(Outcome)]
        return samples


def _known(name: str, labels: tuple[str, ...], value: float | None) -> Iterator[_Sample]:
    if value is not None:
        yield name, labels, value


class _Ready(Collector):
    """The conditions of readiness as ``/readyz`` has them: an alert must name what is missing."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("passerelle_ready", "1 while a condition of readiness holds.", labels=("condition",))

    def collect(self) -> Iterator[GaugeMetricFamily]:
        [family] = self.describe()
        for name, holds in self._readiness().items():
            family.add_metric((name,), float(holds))
        yield family


def build_management(metrics: Metrics, readiness: Readiness, gauges: Gauges | None = None) -> web.Application:
    """``/healthz`` (the process answers), ``/readyz`` (503 naming what is missing), ``/metrics`` (Prometheus text).

    ``gauges`` are those of the background process, which updates the views; a worker has none.
    """
    conditions_met = CollectorRegistry()
    conditions_met.register(_Ready(readiness))

    async def healthz(_: web.Request) -> web.Response:
        return _json({"alive": True}, HTTPStatus.OK)

    async def readyz(_: web.Request) -> web.Response:
        conditions = readiness()
        missing = sorted(name for name, holds in conditions.items() if not holds)
        status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
        return _json({"ready": not missing, "missing": missing, "conditions": dict(conditions)}, status)

    async def expose(_: web.Request) -> web.Response:
        if gauges is not None:
            await gauges.read()
        body = generate_latest(metrics.registry) + generate_latest(conditions_met)
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: CONTENT_TYPE_LATEST})

    app = web.Application()
    app.on_response_prepare.append(_complete)
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", expose)])
    return app


async def _complete(_: web.Request, response: web.StreamResponse) -> None:
    forbid_sniffing(response)


def _json(body: Mapping[str, object], status: HTTPStatus) -> web.Response:
    headers = {hdrs.CONTENT_TYPE: "application/json", hdrs.CACHE_CONTROL: "no-store"}
    return web.Response(status=status, body=orjson.dumps(body), headers=headers)
