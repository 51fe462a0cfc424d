"""Feeds: one topic per Kafka-native subscriber, filtered and masked for it, each partition by one fenced writer."""

import orjson

from gateway.errors import LogUnavailableError
from gateway.log.assignment import run_assigned
from gateway.log.owner_loop import chunks_to_commit, own_positions, own_with_retry
from gateway.log.port import (
    Chunk,
    EventLog,
    Output,
    Owner,
)
from gateway.partners import Partners
from gateway.partners.partner_tasks import run_per_partner
from gateway.protocol.cursor import filter_digest, reader_digest, rules_of
from gateway.protocol.partner import Partner
from gateway.protocol.record import OfferState, Record, event_headers, position_key, position_record, read_offer
from gateway.protocol.topic import FEED, OFFERS, POSITIONS
from gateway.protocol.visibility import VISIBILITY_RULES, Filter, Reader, change_for

_BATCH = 500


def subscribes(partner: Partner) -> bool:
    """Whether a partner has a feed topic."""
    return partner.feed and "offers:read" in partner.scopes


def feed_scope(partner: Partner) -> str:
    """The scope of a partner's feed: the name of its positions in ``offers``."""
    return _scope(partner.platform, Filter(department=partner.territory))


def _scope(platform: str, criteria: Filter) -> str:
    return f"{FEED}{platform}@{filter_digest(criteria)}{reader_digest(Reader(platform))}"


async def write_feeds(log: EventLog, partners: Partners) -> None:
    """Write the assigned partitions of the feeds of all partners that have one, as they are added and removed, until
    cancelled. Raises the error of any of them.
    """

    async def serve(platform: str) -> None:
        async def work(partition: int) -> None:
            await FeedPartition(log, platform, partition, partners=partners).run()

        await run_assigned(log, role=f"feed.{platform}", topic=OFFERS, work=work)

    await run_per_partner(partners, wanted=subscribes, work=serve)


class FeedPartition:
    """One partition of one feed. Its position is stored under its scope (filter, reader and visibility rules), in the
    same transaction as its output; another scope starts over, so that everything is rendered again. A scope of later
    rules is left to a gateway that knows them.
    """

    def __init__(self, log: EventLog, platform: str, partition: int, *, partners: Partners) -> None:
        self._log = log
        self._platform = platform
        self._partition = partition
        self._partners = partners
        self._reader = Reader(platform)

    async def run(self) -> None:
        """Render until cancelled; a change of scope starts over."""
        await own_with_retry(self._log, role=f"feed.{self._platform}", partition=self._partition, work=self._follow)

    async def _follow(self, owner: Owner) -> None:
        while True:
            await self._render(owner, self._criteria())

    def _criteria(self) -> Filter:
        partner = self._partners.get(self._platform)
        if partner is None:
            raise ValueError(f"{self._platform} has a feed and is no partner")  # run_per_partner stops this task first
        return Filter(department=partner.territory)

    async def _render(self, owner: Owner, criteria: Filter) -> None:
        stem = f"{FEED}{self._platform}@"
        scope = _scope(self._platform, criteria)
        kept = await own_positions(self._log, owner, role=f"feed.{self._platform}", partition=self._partition)
        at_key, began_key = position_key(scope, self._partition).decode(), f"{scope}.began/{self._partition}"
        others = [key for key in kept if key.startswith(stem) and key not in {at_key, began_key}]
        if any(rules_of(key) > VISIBILITY_RULES for key in others):
            raise LogUnavailableError(f"{FEED}{self._platform} is rendered by a gateway of a later version")
        at = kept.get(at_key, 0)
        # A new subscriber holds nothing yet; one whose scope changed may hold anything that was ever shared. A stale
        # end, from a broker that was paused, costs removals of offers that it never held, which it ignores.
        began = kept.get(began_key, 0 if others else (await self._log.ends(OFFERS))[self._partition])
        first = [self._keep(Record(key.encode(), None)) for key in others]
        if began_key not in kept:
            first.append(self._keep(Record(began_key.encode(), str(began).encode())))
        async with self._log.reader({(OFFERS, self._partition): at}) as reader:
            async for chunk in chunks_to_commit(reader, limit=_BATCH):
                if criteria != self._criteria():
                    return
                if chunk is not None:
                    position = self._keep(position_record(scope, self._partition, chunk.position))
                    await owner.commit([*first, *self._changes(chunk, criteria, began), position])
                    first = []

    def _keep(self, record: Record) -> Output:
        return Output(POSITIONS, self._partition, record)

    def _changes(self, chunk: Chunk, criteria: Filter, began: int) -> list[Output]:
        outputs = []
        for stored in chunk.records:
            if stored.key is None or stored.value is None:
                continue  # a deleted marker: its removal was sent when the offer was withdrawn
            state = read_offer(stored.key, stored.value)
            record = self._record(
                state, criteria, above_start=stored.offset >= began, traceparent=stored.header("traceparent")
            )
            if record is not None:
                outputs.append(Output(FEED + self._platform, self._partition, record))
        return outputs

    def _record(
        self, state: OfferState, criteria: Filter, *, above_start: bool, traceparent: str | None
    ) -> Record | None:
        """A feed record: the change document, or for a removal a null value with ``ce_sequence`` and ``ce_reason``."""
        change = change_for(self._reader, criteria, state, above_start=above_start)
        if change is None:
            return None
        upsert = change["op"] == "upsert"
        headers = event_headers(
            state.id,
            state.known.sequence,
            at=state.known.appended_at,
            published=upsert,
            reason=change.get("reason"),
        )
        if traceparent is not None:
            headers = (*headers, ("traceparent", traceparent.encode()))
        return Record(state.id.encode(), orjson.dumps(change) if upsert else None, headers)
