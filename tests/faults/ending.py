"""The end of a run: the log's content, read without any gateway, and which subscriber may see which of it."""

from collections.abc import AsyncIterator

import orjson

from gateway.log.port import EventLog
from gateway.protocol.record import OfferState, StoredRecord, read_offer
from gateway.protocol.topic import OFFERS, RECEIPTS, SUBMISSIONS
from tests.faults.history import Receipt, Standing

_PAGE = 2_000


async def read_receipts(log: EventLog) -> list[Receipt]:
    """Every receipt of a submission, in the order of each partition."""
    receipts = []
    async for record in _records(log, RECEIPTS):
        body = orjson.loads(record.value or b"{}")
        topic, partition, offset = body["position"].split("/")
        if topic == SUBMISSIONS:
            receipts.append(
                Receipt(
                    receipt=body["receipt"],
                    id=body["id"],
                    publisher=body["publisher"],
                    verdict=body["verdict"],
                    revision=body.get("revision", 0),
                    sequence=body.get("sequence") if body["verdict"] in {"accepted", "duplicate"} else None,
                    position=(int(partition), int(offset)),
                )
            )
    return receipts


async def read_offers(log: EventLog) -> dict[str, OfferState]:
    """The last record of every offer that was not forgotten."""
    offers: dict[str, OfferState] = {}
    async for record in _records(log, OFFERS):
        key = (record.key or b"").decode()
        if record.value is None:
            offers.pop(key, None)
        else:
            offers[key] = read_offer(record.key or b"", record.value)
    return offers


async def count_offers(log: EventLog) -> int:
    """The number of records on ``offers``."""
    return len([record async for record in _records(log, OFFERS)])


async def decided(log: EventLog) -> bool:
    """Whether every submission on the log has a receipt."""
    submissions = [record async for record in _records(log, SUBMISSIONS)]
    return len(submissions) <= len(await read_receipts(log))


def standing(offers: dict[str, OfferState]) -> dict[str, Standing]:
    """The final state of each offer."""
    return {
        offer_id: Standing(state.known.revision, state.known.sequence, state.known.published)
        for offer_id, state in offers.items()
    }


def visible(offers: dict[str, OfferState], *, sector: str | None = None) -> dict[str, int]:
    """The live offers, or those of one sector, as a reader must hold them."""
    return {
        offer_id: state.known.sequence
        for offer_id, state in offers.items()
        if state.offer is not None and sector in {None, state.offer["sector"]}
    }


async def _records(log: EventLog, topic: str) -> AsyncIterator[StoredRecord]:
    ends = await log.ends(topic)
    at = list(await log.starts(topic))
    async with log.reader({(topic, partition): start for partition, start in enumerate(at)}) as reader:
        while any(position < end for position, end in zip(at, ends, strict=True)):
            for chunk in await reader.poll(limit=_PAGE, wait=1.0):
                for record in chunk.records:
                    yield record
                at[chunk.partition] = chunk.position
