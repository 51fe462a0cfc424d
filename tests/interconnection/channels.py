"""Channels: how a platform publishes its current offers, one class for each channel."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import orjson
from aiokafka import AIOKafkaProducer

from demo.client import NDJSON, Client
from demo.region_site.feed import write_feed
from gateway.protocol.record import TYPE_PUBLISHED, TYPE_WITHDRAWN
from gateway.protocol.source_run import SourceRun
from tests.interconnection.offers import Offer

WAIT = {"Prefer": "wait=30"}


class Channel(Protocol):
    """How a platform publishes; ``client`` is its client of the running gateway."""

    async def publish(self, client: Client, offers: Sequence[Offer]) -> None:
        """Replace the platform's published offers with these."""


@dataclass(frozen=True, slots=True)
class Step:
    """The offers of one step: all of them, with revisions, and only the changed ones, withdrawals included."""

    everything: list[Offer]
    changes: list[Offer]


class Revisions:
    """Numbers the revisions of a platform that publishes by itself."""

    def __init__(self) -> None:
        self._revision = 0
        self._last: dict[str, Offer] = {}

    def step(self, offers: Iterable[Offer]) -> Step:
        """The next step: new and changed offers get a higher revision."""
        self._revision += 1
        before = self._last
        self._last = {one["id"]: self._numbered(one) for one in offers}
        changed = [one for offer_id, one in self._last.items() if before.get(offer_id) != one]
        gone = [
            {"id": offer_id, "revision": self._revision, "withdrawn": "cancelled"}
            for offer_id in before.keys() - self._last.keys()
        ]
        return Step(list(self._last.values()), changed + gone)

    def _numbered(self, one: Offer) -> Offer:
        last = self._last.get(one["id"], {"revision": 0})
        same = {**one, "revision": last["revision"]}
        return same if same == last else {**one, "revision": self._revision}


class Puts:
    """Single offers, by PUT and DELETE."""

    def __init__(self) -> None:
        self._revisions = Revisions()

    async def publish(self, client: Client, offers: Sequence[Offer]) -> None:
        for change in self._revisions.step(offers).changes:
            address = f"/v1/offers/{change['id']}"
            if "withdrawn" in change:
                asked = {"revision": str(change["revision"]), "reason": change["withdrawn"]}
                answer = await client.call("DELETE", address, params=asked, headers=WAIT)
            else:
                answer = await client.call("PUT", address, body=orjson.dumps(change), headers=WAIT)
            assert answer.status in {200, 201}, answer.explain()


class Batches:
    """The changes, in one batch."""

    def __init__(self) -> None:
        self._revisions = Revisions()

    async def publish(self, client: Client, offers: Sequence[Offer]) -> None:
        answer = await client.call(
            "POST", "/v1/offers/batch", body=_lines(self._revisions.step(offers).changes), media_type=NDJSON
        )
        assert answer.status == 202, answer.explain()


class Snapshots:
    """The complete set each time; missing offers are withdrawn."""

    def __init__(self) -> None:
        self._revisions = Revisions()

    async def publish(self, client: Client, offers: Sequence[Offer]) -> None:
        taken = await client.call("POST", "/v1/snapshots/marks")
        lines = [*self._revisions.step(offers).everything, {"count": len(offers)}]
        answer = await client.call(
            "POST", "/v1/snapshots", params={"mark": taken.body["mark"]}, body=_lines(lines), media_type=NDJSON
        )
        assert answer.status == 202, answer.explain()


class Inbox:
    """Events on the platform's own Kafka topic."""

    def __init__(self, servers: str, topic: str) -> None:
        self._servers = servers
        self._topic = topic
        self._revisions = Revisions()

    async def publish(self, _client: Client, offers: Sequence[Offer]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self._servers, enable_idempotence=True, acks="all") as producer:
            for change in self._revisions.step(offers).changes:
                kind, body = TYPE_PUBLISHED, change
                if "withdrawn" in change:
                    kind = TYPE_WITHDRAWN
                    body = {"id": change["id"], "revision": change["revision"], "reason": change["withdrawn"]}
                await producer.send_and_wait(
                    self._topic,
                    orjson.dumps(body),
                    key=change["id"].encode(),
                    headers=[("ce_type", kind.encode())],
                )


class Pulled:
    """A feed that the gateway fetches: ``keep`` writes it, ``order`` orders a run. The first run needs
    no order: the gateway fetches a new platform's feed by itself.
    """

    def __init__(self, keep: Callable[[Sequence[Offer]], None], order: Callable[[], Awaitable[SourceRun]]) -> None:
        self._keep = keep
        self._order = order
        self._known = False

    async def publish(self, _client: Client, offers: Sequence[Offer]) -> None:
        self._keep(offers)
        if self._known:
            run = await self._order()
            assert run.outcome == "applied", (run.outcome, run.last_error, run.problems)
        self._known = True


def drop(folder: Path, form: str) -> Callable[[Sequence[Offer]], None]:
    """Writes a feed into a folder, atomically."""
    folder.mkdir(parents=True)

    def keep(offers: Sequence[Offer]) -> None:
        written = folder / "feed.tmp"
        written.write_bytes(write_feed(form, offers))
        written.replace(folder / f"stages.{form}")

    return keep


def _lines(documents: Iterable[Offer]) -> bytes:
    return b"".join(orjson.dumps(one) + b"\n" for one in documents)
