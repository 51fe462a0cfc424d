"""The keeper: what one process of a gateway does for all of them. It relays, copies, feeds, and keeps the views."""

from collections.abc import Awaitable, Callable
from functools import partial

from gateway import clock
from gateway.bootstrap.log import maintain
from gateway.bootstrap.parts import Parts
from gateway.feed import Feeds
from gateway.intake import Intake
from gateway.protocol.topic import OFFERS, RECEIPTS
from gateway.relay import Relay
from gateway.sqlite import SqliteLog
from gateway.views import Tail

_LAG_LIMIT_MS = 2 * 24 * 3_600_000


class Keeper:
    """What must go on for the federation, apart from answering."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._relay = Relay(
            parts.log,
            folder=parts.settings.data / "relay",
            identity=parts.identity,
            submissions=parts.submissions,
            ids=parts.ids,
            clock=clock.now,
            decided=parts.metrics.count_verdicts,
        )
        views = {OFFERS: parts.offers, RECEIPTS: parts.receipts}
        self._tails = {name: Tail(parts.log, name, view) for name, view in views.items()}

    def running(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What must go on, by the name that an error would tell."""
        log, partners = self._parts.log, self._parts.partners
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "relay": self._relay.run,
            "intake": Intake(log, partners=partners, ids=self._parts.ids).run,
            "feeds": Feeds(log, partners=partners).run,
            **{f"view of {name}": tail.run for name, tail in self._tails.items()},
        }
        if isinstance(log, SqliteLog):
            parts["maintenance"] = partial(maintain, log, partners)
        return parts

    def conditions(self) -> dict[str, bool]:
        """What must hold for the gateway to be ready."""
        return {
            "relay": self._relay.ready,
            "lag": self._relay.lag_ms < _LAG_LIMIT_MS,
            **{f"view of {name}": tail.ready for name, tail in self._tails.items()},
        }
