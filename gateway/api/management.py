"""Management: health, readiness and metrics, on a port of their own that no partner reaches."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TypeAlias

import orjson
from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from gateway.api.gauges import Gauges

Readiness: TypeAlias = Callable[[], Mapping[str, bool]]
"""The conditions of readiness, by name."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
_VERDICTS = ("accepted", "duplicate", "stale", "rejected")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)


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
        self._verdicts = Counter(
            "passerelle_verdicts", "Submissions decided, by verdict.", ("verdict",), registry=self.registry
        )
        for verdict in _VERDICTS:
            self._verdicts.labels(verdict)
        self._counted: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count_verdicts(self, verdicts: Mapping[str, int]) -> None:
        """Count the decisions of the relay, by verdict."""
        for verdict, number in verdicts.items():
            self._verdicts.labels(verdict).inc(number)

    def count_request(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answered request; ``route`` is a template such as ``/v1/offers/{id}``, never an address."""
        labels = (route, method if method in _METHODS else "other", status)
        found = self._counted.get(labels)
        if found is None:
            found = self._counted[labels] = (self._requests.labels(*labels), self._seconds.labels(route))
        requests, times = found
        requests.inc()
        times.observe(seconds)


METRICS: web.AppKey[Metrics] = web.AppKey("metrics", Metrics)
"""Set by the composition root on the API; an application without it counts nothing."""


def build_management(metrics: Metrics, readiness: Readiness, gauges: Gauges | None = None) -> web.Application:
    """``/healthz`` (the process answers), ``/readyz`` (503 naming what is missing), ``/metrics`` (Prometheus text).

    ``gauges`` are those of the background process, which updates the views; a worker has none.
    """

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
        return web.Response(body=generate_latest(metrics.registry), headers={hdrs.CONTENT_TYPE: CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", expose)])
    return app


def _json(body: Mapping[str, object], status: HTTPStatus) -> web.Response:
    headers = {hdrs.CONTENT_TYPE: "application/json", hdrs.CACHE_CONTROL: "no-store"}
    return web.Response(status=status, body=orjson.dumps(body), headers=headers)
