"""The background half of a gateway: relay, inboxes, subscriber topics, pushes, pulls, views, and the national site."""

import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial

from adapters.national.connector.connector import open_connector
from adapters.national.site.accounts import AccountsError, read_accounts
from adapters.national.site.timing import Timing
from adapters.pull.pull import PullDependencies
from adapters.pull.pulls import Pulls
from adapters.pull.transport_factory import Secrets, TransportFactory
from gateway.bootstrap.log import maintain
from gateway.bootstrap.notices import open_sender
from gateway.errors import SettingsError
from gateway.federation import Federation
from gateway.federation.gauges import Gauges
from gateway.federation.open_history import keep_open_history
from gateway.ingest.inboxes import Intake
from gateway.log.sqlite import SqliteLog
from gateway.operate.decision_counts import count_decisions
from gateway.operate.releases import replica_id
from gateway.protocol.refused_offers import refused_offer_seal
from gateway.protocol.topic import RECEIPTS
from gateway.publish.subscriber_topics import write_feeds
from gateway.push.sender import run_sender
from gateway.relay import SHARED, CommitPace, Relay
from gateway.settings import Settings
from gateway.store import ViewUpdater
from gateway.store.trusted_clock import RetentionClock
from gateway.store.view_updater import Seen, ignore

_LAG_LIMIT_MS = 2 * 24 * 3_600_000


class Background:
    """The background work of a federation; one process per gateway runs it."""

    def __init__(self, settings: Settings, federation: Federation, retention: RetentionClock) -> None:
        self._settings = settings
        self._federation = federation
        self._retention = retention
        self._relay = Relay(
            federation.log,
            folder=settings.data / "relay",
            identity=federation.identity,
            submissions=federation.submissions,
            ids=federation.ids,
            clock=federation.clock,
            decided=federation.metrics.count_verdicts,
            upkeep_clock=retention,
            pace=SHARED if isinstance(federation.log, SqliteLog) else CommitPace(),
        )
        self._pulls = self._open_pulls()
        seen: dict[str, Seen] = {RECEIPTS: federation.backlog.decided}
        self._view_updaters = {
            topic: ViewUpdater(
                federation.log, topic, view, seen=seen.get(topic, ignore), yields=lambda: not self._relay.ready
            )
            for topic, view in federation.views.items()
        }

    def running(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """The long-running parts, by the name that appears in errors."""
        log, partners = self._federation.log, self._federation.partners
        running: dict[str, Callable[[], Awaitable[None]]] = {
            "relay": self._relay.run,
            "intake": Intake(
                log=log,
                partners=partners,
                ids=self._federation.ids,
                backlog=self._federation.backlog,
                require_certificate=self._federation.terms.require_certificate,
                activations=lambda: self._federation.releases.activations,
            ).run,
            "feeds": partial(write_feeds, log, partners),
            **{f"view of {topic}": updater.run for topic, updater in self._view_updaters.items()},
            "statistics": partial(count_decisions, log, refused_offer_seal(self._federation.secret)),
            "open offers": partial(keep_open_history, self._federation),
            "names of operators": self._federation.acts.sweep_daily,
            "notices": open_sender(self._settings, self._federation, self._retention).run,
            "subscriptions": self._federation.subscriptions.run,
            "pushes": partial(run_sender, log, self._federation.push_parts()),
            "pulls": self._pulls.run,
            "retention clock": self._retention.run,
            "release": partial(self._federation.releases.attend, replica_id(self._settings.data)),
        }
        if isinstance(log, SqliteLog):
            running["maintenance"] = partial(maintain, log, partners, self._retention)
        return running

    def _open_pulls(self) -> Pulls:
        federation, settings = self._federation, self._settings
        secrets = Secrets(os.environ, settings.feed_secrets)
        return Pulls(
            PullDependencies(
                log=federation.log,
                partners=federation.partners,
                submissions=federation.submissions,
                offers=federation.offers,
                positions=federation.positions,
                snapshots=federation.snapshots,
                refusals=federation.refusals,
                clock=federation.clock,
                activations=lambda: federation.releases.activations,
                folder=settings.data / "pull",
                transports=TransportFactory(
                    secrets=secrets, feeds=settings.feeds, loopback=bool(settings.loopback_feeds)
                ),
            )
        )

    def gauges(self) -> Gauges:
        """Gauges of backlog and state, for the metrics endpoint."""
        return Gauges(self._federation, relay_lag_ms=lambda: self._relay.lag_ms, pulls=lambda: self._pulls.counts)

    def conditions(self) -> dict[str, bool]:
        """Readiness conditions: the gateway is ready when all are true."""
        return {
            "relay": self._relay.ready,
            "lag": (self._relay.lag_ms or 0) < _LAG_LIMIT_MS,
            **{f"view of {topic}": updater.ready for topic, updater in self._view_updaters.items()},
        }


async def national_parts(
    settings: Settings, federation: Federation, stack: AsyncExitStack
) -> dict[str, Callable[[], Awaitable[None]]]:
    """The long-running parts of delivery to the national site and import from it, by name; empty if no accounts are
    set. Raises SettingsError for an invalid accounts file.
    """
    path = settings.national
    if path is None:
        return {}
    try:
        accounts = read_accounts(path, os.environ)
    except AccountsError as error:
        raise SettingsError(f"PASSERELLE_NATIONAL: {error}") from error
    connector = await stack.enter_async_context(
        open_connector(
            federation.log,
            accounts,
            partners=federation.partners,
            submissions=federation.submissions,
            ids=federation.ids,
            folder=settings.data / "national",
            timing=Timing(),
        )
    )
    return {"national": connector.run}
