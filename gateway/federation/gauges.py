"""Gauges of a federation for the metrics endpoint: its state and backlog, read at each scrape."""

from collections.abc import Callable, Iterator, Mapping
from typing import get_args

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.federation.federation import Federation
from gateway.log.positions import unread
from gateway.operate.status import last_success
from gateway.protocol.receipt import refusals_key, unlisted
from gateway.protocol.source_run import Outcome, period_ms
from gateway.protocol.topic import INBOX, SUBMISSIONS

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
_Sample = tuple[str, tuple[str, ...], float]


class Gauges(Collector):
    """One gauge of each kind. The label ``platform`` only takes the slugs of partners, regardless of input (SEC-007).

    A figure that cannot be read now, because the log is unavailable or a view is being filled, is absent: any other
    figure would hide that.
    """

    def __init__(
        self,
        federation: Federation,
        *,
        relay_lag_ms: Callable[[], int | None],
        pulls: Callable[[], Mapping[str, int]],
    ) -> None:
        self._federation = federation
        self._relay_lag_ms = relay_lag_ms
        self._pulls = pulls
        self._samples: list[_Sample] = []
        federation.metrics.registry.register(self)

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
        federation = self._federation
        waiting = await unread(federation.log, SUBMISSIONS, federation.positions.of(SUBMISSIONS))
        lag = self._relay_lag_ms()
        samples = [*_known("relay_lag_seconds", (), None if lag is None else lag / 1_000)]
        samples += _known("undecided", (), waiting)
        samples += [("pulls", (lane,), number) for lane, number in self._pulls().items()]
        for name, view in federation.views.items():
            samples += _known("view_lag", (name,), await unread(federation.log, name, view.positions))
            samples += [("view_position", (name, str(p)), at) for p, at in enumerate(view.positions)]
        return samples

    async def _of_platforms(self) -> list[_Sample]:
        federation = self._federation
        receipts = await federation.receipts.counts() if federation.receipts.caught_up else {}
        deliveries = await federation.deliveries.summaries() if federation.deliveries.caught_up else {}
        samples = await self._of_successes()
        for partner in federation.partners.all():
            slug = partner.platform
            if federation.offers.caught_up:
                samples.append(("live_offers", (slug,), await federation.offers.count(slug)))
            samples += [("receipts", (slug, name), one.number) for name, one in receipts.get(slug, {}).items()]
            if slug in deliveries:
                states = deliveries[slug].states
                samples += [("deliveries", (slug, state), number) for state, number in states.items()]
            if partner.inbox:
                topic = INBOX + slug
                samples += _known(
                    "inbox_lag", (slug,), await unread(federation.log, topic, federation.positions.of(topic))
                )
                samples.append(
                    ("inbox_refusals_unlisted", (slug,), unlisted(federation.positions.of(refusals_key(topic))))
                )
        return samples

    async def _of_successes(self) -> list[_Sample]:
        """Last successes, and the feeds; none while the view of receipts or of runs is being filled."""
        federation = self._federation
        if not (federation.receipts.caught_up and federation.runs.caught_up):
            return []
        receipts, runs = await federation.receipts.counts(), await federation.runs.last()
        samples: list[_Sample] = []
        for partner in federation.partners.all():
            slug = partner.platform
            if partner.revoked:
                continue  # it owes nothing
            at = last_success(receipts.get(slug, {}), runs.get(slug))
            samples += _known("last_success_timestamp_seconds", (slug,), None if at is None else at / 1_000)
            every = period_ms(partner.profile)
            samples += _known("feed_period_seconds", (slug,), None if every is None else every / 1_000)
            if every is not None and slug in runs:
                ended = runs[slug].outcome
                samples += [("feed_run", (slug, outcome), float(outcome == ended)) for outcome in get_args(Outcome)]
        return samples


def _known(name: str, labels: tuple[str, ...], value: float | None) -> Iterator[_Sample]:
    if value is not None:
        yield name, labels, value
