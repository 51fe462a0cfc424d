"""The commands that become due: withdraw offers whose last day is over, and forget old markers."""

from collections.abc import Sequence

from gateway.protocol.decide import MARKER_LIFE_MS
from gateway.protocol.identity import GATEWAY, platform_of
from gateway.protocol.paris_time import paris_date
from gateway.protocol.seal import ReceiptIds
from gateway.protocol.submission import Forget, Retire, Submission
from gateway.store.relay_state import RelayState

_AT_ONCE = 500


def due_commands(state: RelayState, *, partition: int, ids: ReceiptIds, now: int) -> Sequence[Submission]:
    """Return at most 500 commands of each kind that are due at ``now`` (ms). A repeated call returns the same commands
    and receipts.

    They pass through ``submissions`` like any other, so that they lose to a newer revision.
    """
    expired = [
        Retire(
            receipt=ids.derive(platform_of(key), partition=partition, parts=("expired", key, known.sequence)),
            id=key,
            if_revision=known.revision,
            reason="expired",
        )
        for key, known in state.due(today=paris_date(now), limit=_AT_ONCE)
    ]
    forgotten = [
        Forget(
            receipt=ids.derive(GATEWAY, partition=partition, parts=("forget", key, known.sequence)),
            id=key,
            if_sequence=known.sequence,
        )
        for key, known in state.old_markers(before=now - MARKER_LIFE_MS, limit=_AT_ONCE)
    ]
    return [*expired, *forgotten]
