"""The background half of a gateway: relay, inboxes, subscriber topics, pulls, and the writable views."""

import os
from collections.abc import Awaitable, Callable
from functools import partial

from adapters.pull.pull import PullDependencies
from adapters.pull.pulls import Pulls
from adapters.pull.transport_factory import TransportFactory
from adapters.transport.secret import Secrets
from gateway.api.management import GaugeInputs, Gauges
from gateway.bootstrap.log import maintain
from gateway.bootstrap.parts import Parts
from gateway.ingest.inboxes import Intake
from gateway.log.sqlite import SqliteLog
from gateway.protocol.topic import DELIVERIES, OFFERS, RECEIPTS, RUNS
from gateway.publish.subscriber_topics import Feeds
from gateway.relay import AT_ONCE, SHARED_AT_ONCE, Relay
from gateway.store import ViewUpdater
from gateway.store.retention_clock import RetentionClock

_LAG_LIMIT_MS = 2 * 24 * 3_600_000


class Background:
    """The background work of a federation; one process per gateway runs it."""

    def __init__(self, parts: Parts, retention: RetentionClock) -> None:
        self._parts = parts
        self._retention = retention
        self._relay = Relay(
            parts.log,
            folder=parts.settings.data / "relay",
            identity=parts.identity,
            submissions=parts.submissions,
            ids=parts.ids,
            clock=parts.clock,
            decided=parts.metrics.count_verdicts,
            upkeep_clock=retention,
            at_once=SHARED_AT_ONCE if isinstance(parts.log, SqliteLog) else AT_ONCE,
        )
        self._views = {
            OFFERS: parts.offers,
            RECEIPTS: parts.receipts,
            DELIVERIES: parts.deliveries,
            RUNS: parts.runs,
        }
        self._pulls = self._open_pulls()
        self._view_updaters = {name: ViewUpdater(parts.log, name, view) for name, view in self._views.items()}

    def running(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """The long-running parts, by the name that appears in errors."""
        log, partners = self._parts.log, self._parts.partners
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "relay": self._relay.run,
            "intake": self._intake().run,
            "feeds": Feeds(log, partners=partners).run,
            **{f"view of {name}": updater.run for name, updater in self._view_updaters.items()},
        }
        parts["pulls"] = self._pulls.run
        parts["retention clock"] = self._retention.run
        if isinstance(log, SqliteLog):
            parts["maintenance"] = partial(maintain, log, partners, self._retention)
        return parts

    def _intake(self) -> Intake:
        parts = self._parts
        required = parts.settings.require_certificate
        return Intake(parts.log, partners=parts.partners, ids=parts.ids, require_certificate=required)

    def _open_pulls(self) -> Pulls:
        parts, settings = self._parts, self._parts.settings
        secrets = Secrets(os.environ, settings.feed_secrets)
        return Pulls(
            PullDependencies(
                log=parts.log,
                partners=parts.partners,
                submissions=parts.submissions,
                offers=parts.offers,
                positions=parts.positions,
                snapshots=parts.snapshots,
                clock=parts.clock,
                folder=settings.data / "pull",
                transports=TransportFactory(
                    secrets=secrets, feeds=settings.feeds, loopback=bool(settings.loopback_feeds)
                ),
            )
        )

    def gauges(self) -> Gauges:
        """Gauges of backlog and state, for the metrics endpoint."""
        parts = self._parts
        sources = GaugeInputs(
            log=parts.log,
            positions=parts.positions,
            partners=parts.partners,
            offers=parts.offers,
            receipts=parts.receipts,
            deliveries=parts.deliveries,
            views=self._views,
            relay_lag_ms=lambda: self._relay.lag_ms,
            pulls=lambda: self._pulls.counts,
        )
        return Gauges(parts.metrics.registry, sources)

    def conditions(self) -> dict[str, bool]:
        """Readiness conditions: the gateway is ready when all are true."""
        return {
            "relay": self._relay.ready,
            "lag": (self._relay.lag_ms or 0) < _LAG_LIMIT_MS,
            **{f"view of {name}": updater.ready for name, updater in self._view_updaters.items()},
        }
