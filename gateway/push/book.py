"""The subscriptions of the federation: a mirror of the topic, and changes of a platform's settings under a fence."""

from collections.abc import Callable
from typing import TypeAlias

from gateway.errors import FencedError, LogBusyError
from gateway.log.fenced import change_fenced
from gateway.log.mirror import TopicMirror
from gateway.log.port import EventLog, Output, Owner
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import Partner
from gateway.protocol.push_record import SubscriptionTopic, fold_subscriptions
from gateway.protocol.subscription import PlatformSubscriptions, erased_record, platform_record
from gateway.protocol.topic import SUBSCRIPTIONS

ROLE = "subscriptions"
RETRY_SECONDS = 30.0

Edit: TypeAlias = Callable[[PlatformSubscriptions], PlatformSubscriptions | None]
"""The new settings of a platform from its present ones; None erases them. It may be called several times."""


class SubscriptionBook(TopicMirror[SubscriptionTopic]):
    """Settings and progress of every subscription, in memory. The sender runs it; others read it when they need it.
    ``loopback`` allows endpoints on this machine, for tests.
    """

    def __init__(self, log: EventLog, *, loopback: bool = False) -> None:
        super().__init__(log, SUBSCRIPTIONS, fold=fold_subscriptions, empty=SubscriptionTopic())
        self.loopback = loopback

    def partition(self, platform: str) -> int:
        """The partition of all subscriptions of a platform."""
        return partition_of(platform, self._log.partitions)

    async def change(self, platform: str, joined_at: int | None, edit: Edit) -> PlatformSubscriptions:
        """Change the settings of a platform; no other change comes between reading and writing. An edit that changes
        nothing writes nothing; its exceptions are passed on. Raises LogError.
        """
        partition = self.partition(platform)

        async def attempt(owner: Owner) -> PlatformSubscriptions:
            await self.advance({partition: await owner.end(SUBSCRIPTIONS, partition)})
            before = self.state.of(platform, joined_at)
            after = edit(before)
            kept = self.state.platforms.get(platform)
            if after == before or (after is None and (kept is None or kept.joined_at != joined_at)):
                return before
            record = erased_record(platform) if after is None else platform_record(after)
            ends = await owner.commit([Output(SUBSCRIPTIONS, partition, record)])
            await self.advance({partition: ends[SUBSCRIPTIONS, partition]})
            return after or PlatformSubscriptions(platform=platform, joined_at=joined_at)

        try:
            return await change_fenced(self._log, ROLE, partition, attempt, seconds=RETRY_SECONDS)
        except FencedError as error:
            raise LogBusyError("Other subscriptions were changed at the same time; nothing was changed.") from error


def settings_of(topic: SubscriptionTopic, partner: Partner | None) -> PlatformSubscriptions:
    """The subscriptions of a partner that may read offers; none of any other."""
    if partner is None or partner.revoked or "offers:read" not in partner.scopes:
        return PlatformSubscriptions(platform="" if partner is None else partner.platform)
    return topic.of(partner.platform, partner.joined_at)


def is_former(own: PlatformSubscriptions, partner: Partner) -> bool:
    """Whether settings are of a membership that has ended; not of one that this process does not know yet."""
    joined, known = own.joined_at or 0, partner.joined_at or 0
    return joined < known or (joined == known and partner.revoked)
