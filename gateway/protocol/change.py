"""Changes: the document for one reader about one record of ``offers`` (requirements FEED-*)."""

from typing import Any

from gateway.protocol.identity import platform_of
from gateway.protocol.record import OfferState
from gateway.protocol.visibility import (
    Filter,
    Reader,
    ever_shared,
    masked,
    may_read,
)

OUT_OF_SCOPE = "out-of-scope"


def change_for(reader: Reader, asked: Filter, state: OfferState, *, above_start: bool) -> dict[str, Any] | None:
    """The change document (schema ``change``) of this record for this reader; None where there is nothing to send.

    ``above_start``: the record is at or above the reader's ``began``, so the reader may hold an earlier state of this
    offer, and is owed its removal when it no longer matches, unless it can never have been shown the offer.
    """
    known = state.known
    publisher = platform_of(state.id)
    if (
        state.offer is not None
        and state.territory is not None
        and may_read(reader, offer=state.offer, provenance=known.provenance)
    ):
        visible = masked(state.offer, reader=reader, publisher=publisher)
        if asked.matches(offer=visible, territory=state.territory, platform=publisher):
            return {
                "op": "upsert",
                "id": state.id,
                "sequence": known.sequence,
                "offer": visible,
                "territory": state.territory,
                "provenance": known.provenance,
            }
    if not above_start or not ever_shared(reader, shared=known.shared, never=known.never):
        return None
    return {"op": "removal", "id": state.id, "sequence": known.sequence, "reason": known.reason or OUT_OF_SCOPE}
