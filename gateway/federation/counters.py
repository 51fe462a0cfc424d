"""Counters of what one process has answered and decided, for the metrics endpoint."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram

from gateway.protocol.receipt import VERDICTS

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
_MAIL_OUTCOMES = ("sent", "refused", "later", "open", "away", "ceiling", "unknown", "dropped")
OTHER = "other"
"""The label of requests of no partner: without a token, or with an invalid one."""


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
        for verdict in VERDICTS:
            self._verdicts.labels(verdict)
        self._refusals = Counter(
            "passerelle_refusals",
            "Documents that the verdict refused, by rule; one that breaks several counts under each.",
            ("rule",),
            registry=self.registry,
        )
        self._mails = Counter(
            "passerelle_mails",
            "Mails of notices by what became of them; unknown and dropped: notices.",
            ("outcome",),
            registry=self.registry,
        )
        for outcome in _MAIL_OUTCOMES:
            self._mails.labels(outcome)
        self._pushes = Counter(
            "passerelle_pushes",
            "Pushes to endpoints of subscribers, by their end; disabled: subscriptions that were given up.",
            ("outcome",),
            registry=self.registry,
        )
        self._counted: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._counted_platforms: dict[tuple[str, int], Counter] = {}

    def count_verdicts(self, verdicts: Mapping[str, int]) -> None:
        """Count the decisions of the relay, by verdict."""
        for verdict, number in verdicts.items():
            self._verdicts.labels(verdict).inc(number)

    def count_mail(self, outcome: str) -> None:
        """Count what became of a mail, or of a notice."""
        self._mails.labels(outcome).inc()

    def count_refusals(self, rules: Mapping[str, int]) -> None:
        """Count refused documents, by the rules of the catalogue that they break."""
        for rule, number in rules.items():
            self._refusals.labels(rule).inc(number)

    def count_push(self, outcome: str) -> None:
        """Count one push, by how it ended: ``arrived``, ``refused``, ``test``, or the reason of a failure."""
        self._pushes.labels(outcome).inc()

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
