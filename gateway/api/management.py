"""Management: health, readiness and metrics, on a port of their own that no partner reaches."""

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import TypeAlias

import orjson
from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from gateway.api.problem import forbid_sniffing
from gateway.federation.counters import Metrics
from gateway.federation.gauges import Gauges

Readiness: TypeAlias = Callable[[], Mapping[str, bool]]
"""The conditions of readiness, by name."""
METRICS: web.AppKey[Metrics] = web.AppKey("metrics", Metrics)
"""Set by the composition root on the API; an application without it counts nothing."""


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
