"""The keeper: what one process of a gateway does for all of them. It relays, copies, feeds, and keeps the views."""

import os
from collections.abc import Awaitable, Callable
from functools import partial

from adapters.pull.pull import Means
from adapters.pull.pulls import Pulls
from adapters.pull.way import Ways
from adapters.transport.secret import Secrets
from gateway.api.gauges import Gauges, Sources
from gateway.bootstrap.log import maintain
from gateway.bootstrap.parts import Parts
from gateway.ingest.inboxes import Intake
from gateway.log.sqlite import SqliteLog
from gateway.protocol.topic import DELIVERIES, OFFERS, RECEIPTS, RUNS
from gateway.publish.subscriber_topics import Feeds
from gateway.relay import AT_ONCE, SHARED_AT_ONCE, Relay
from gateway.store import Tail
from gateway.store.retention_clock import RetentionClock

_LAG_LIMIT_MS = 2 * 24 * 3_600_000


class Keeper:
    """What must go on for the federation, apart from answering."""

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
            chores_clock=retention,
            at_once=SHARED_AT_ONCE if isinstance(parts.log, SqliteLog) else AT_ONCE,
        )
        self._views = {
            OFFERS: parts.offers,
            RECEIPTS: parts.receipts,
            DELIVERIES: parts.deliveries,
            RUNS: parts.runs,
        }
        self._pulls = self._open_pulls()
        self._tails = {name: Tail(parts.log, name, view) for name, view in self._views.items()}

    def running(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What must go on, by the name that an error would tell."""
        log, partners = self._parts.log, self._parts.partners
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "relay": self._relay.run,
            "intake": self._intake().run,
            "feeds": Feeds(log, partners=partners).run,
            **{f"view of {name}": tail.run for name, tail in self._tails.items()},
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
            Means(
                log=parts.log,
                partners=parts.partners,
                submissions=parts.submissions,
                offers=parts.offers,
                positions=parts.positions,
                snapshots=parts.snapshots,
                clock=parts.clock,
                folder=settings.data / "pull",
                ways=Ways(secrets=secrets, feeds=settings.feeds, loopback=bool(settings.loopback_feeds)),
            )
        )

    def gauges(self) -> Gauges:
        """What stands and waits, for the metrics."""
        parts = self._parts
        sources = Sources(
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
        """What must hold for the gateway to be ready."""
        return {
            "relay": self._relay.ready,
            "lag": (self._relay.lag_ms or 0) < _LAG_LIMIT_MS,
            **{f"view of {name}": tail.ready for name, tail in self._tails.items()},
        }
