"""The releases of the federation: a mirror of the topic, announcements of this replica, and its end before the day of a
release that it does not know (EVO-004).
"""

import asyncio
import re
import socket
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from gateway.clock import Clock, now
from gateway.errors import LogError, PortError
from gateway.log.mirror import TopicMirror, fold_topic
from gateway.log.port import EventLog
from gateway.log.positions import Positions
from gateway.protocol.record import StoredRecord
from gateway.protocol.release import (
    PARTITION,
    Activation,
    ReleaseTopic,
    fold_releases,
    forgotten_record,
    replica_record,
)
from gateway.protocol.topic import OFFERS, RELEASES, SUBMISSIONS
from schemas.offer_field import pointer_of
from schemas.rulebook import SCHEMA_RELEASES
from schemas.rules import ending

ANNOUNCED_SECONDS = 60.0
KNOWN = (*ending.CODES, *SCHEMA_RELEASES)
"""The names to which this version gives a day: the ends that it announces, and its releases, the newest last."""
_NAME_CHARACTERS = 40


class UnknownReleaseError(PortError):
    """A release or an end that this version does not know was activated: it would judge otherwise. The message says
    which, from which day, and the remedy.
    """


class ReleaseBook(TopicMirror[ReleaseTopic]):
    """Every activation and every replica, in memory. ``knows``: the ends and releases of this program, as ``KNOWN``."""

    def __init__(self, log: EventLog, *, clock: Clock = now, knows: Sequence[str] = KNOWN) -> None:
        super().__init__(log, RELEASES, fold=fold_releases, empty=ReleaseTopic(), partitions=(PARTITION,))
        self.knows = knows
        self._clock = clock

    @property
    def activations(self) -> Mapping[str, date]:
        """The days of releases and ends, as a verdict takes them; an end without one does not come."""
        return {**ending.NOT_ENDED, **self.state.days} if ending.NOT_ENDED else self.state.days

    @property
    def unknown(self) -> Activation | None:
        """The first activation that this version does not know. An end is known where the schema has no more of it."""
        return self.state.unknown([*self.knows, *filter(ending.is_gone, self.state.activations)])

    @property
    def ready(self) -> bool:
        """Whether every activated release is known here."""
        return self.caught_up and self.unknown is None

    async def announce(self, replica: str) -> None:
        """Write what this replica knows, then erase replicas that were not seen for a day. Raises LogError."""
        await self._log.append(RELEASES, PARTITION, [replica_record(replica, self.knows)])
        await self.catch_up()
        if gone := [forgotten_record(one) for one in self.state.forgotten()]:
            await self._log.append(RELEASES, PARTITION, gone)

    async def refuse_unknown(self) -> None:
        """Refuse to go on from the day before that of a release which is not known here. Raises UnknownReleaseError."""
        unknown = self.unknown
        if unknown is not None and unknown.is_near(self._clock()):
            number = await count_holding(self._log, unknown.fields)
            raise UnknownReleaseError(_refusal(unknown, self.knows, number))

    async def attend(self, replica: str) -> None:
        """Announce this replica each minute, and end before the day of a release that is not known here. Raises
        UnknownReleaseError.
        """
        while True:
            with suppress(LogError):  # the next minute will do
                await self.announce(replica)
            await self.refuse_unknown()
            await asyncio.sleep(ANNOUNCED_SECONDS)


def is_known(name: str) -> bool:
    """Whether this version knows a release or an end."""
    return name in KNOWN or ending.is_gone(name)


def replica_id(folder: Path) -> str:
    """The name of this replica: the host's, and a mark of its data folder."""
    host = re.sub(r"[^a-z0-9-]+", "-", socket.gethostname().lower())[:_NAME_CHARACTERS]
    return f"{host}-{sha256(str(folder.absolute()).encode()).hexdigest()[:6]}"


async def count_holding(log: EventLog, fields: Collection[str]) -> int:
    """The offers on the log that have one of these fields or values: live ones, and accepted ones that the relay has
    not decided. Reads all offers. Raises LogError.
    """
    if not fields:
        return 0
    fold, none = partial(_fold_holding, fields), frozenset[bytes]()
    async with Positions(log).caught_up_once() as positions:
        firsts = zip(positions.of(SUBMISSIONS), await log.starts(SUBMISSIONS), strict=True)
    starts = {partition: max(pair) for partition, pair in enumerate(firsts)}
    accepted = await fold_topic(log, SUBMISSIONS, fold, none, starts=starts)  # first: what is decided meanwhile is live
    return len(accepted | await fold_topic(log, OFFERS, fold, none))


def _fold_holding(
    fields: Collection[str], found: frozenset[bytes], records: Sequence[StoredRecord]
) -> frozenset[bytes]:
    held = set(found)
    for record in records:
        key = record.key or b""
        held.discard(key)
        offer: Any = orjson.loads(record.value).get("offer") if record.value else None
        if offer and any(pointer_of(offer, mark) for mark in fields):
            held.add(key)
    return frozenset(held)


def _refusal(activation: Activation, knows: Collection[str], number: int) -> str:
    held = f" {number} offers, live or accepted, have" if number else " No offer, live or accepted, has"
    return (
        f"Release {activation.release} of the schema holds from {activation.begins.isoformat()} on, and this version "
        f"knows {', '.join(sorted(knows))} only: it would judge offers otherwise.{held} one of its fields."
    )
