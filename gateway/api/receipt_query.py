"""The query of the receipt list: filter, order, cursor and page size (requirements RCP-007, RCP-008)."""

import re
from dataclasses import dataclass
from typing import Any

from multidict import MultiMapping

from gateway.api.parameter import Parameters
from gateway.api.query import PAGING, paging
from gateway.protocol.identity import BATCH, SNAPSHOT, is_offer_id, is_upload_id, snapshot_id
from gateway.protocol.record import read_utc
from gateway.store.receipt_search import ALL, VERDICTS, ReceiptFilter

_INSTANT = re.compile(
    r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_MARK = re.compile(r"[A-Za-z0-9_-]{17,2000}")
_FLAGS = ("true", "false")
_ORDERS = ("oldest", "newest")
_FILTERS = ("verdict", "problems", "id", BATCH, SNAPSHOT, "since", "order")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptQuery:
    """A publisher's query: filter, order, the text of the cursor, and the page size."""

    asked: ReceiptFilter
    newest: bool
    cursor: str | None
    limit: int

    @property
    def scope(self) -> tuple[Any, ...]:
        """Filter and order as values, equal for equal queries."""
        asked = self.asked
        if asked == ALL and not self.newest:
            return ()
        return sorted(asked.verdicts), asked.problems, asked.offer_id, asked.upload, asked.since, self.newest


def read_receipt_query(given: MultiMapping[str], *, most: int) -> ReceiptQuery:
    """Parse the query string. Raises ProblemError."""
    with Parameters(given, (*PAGING, *_FILTERS)) as parameters:
        verdicts = parameters.several("verdict", VERDICTS.__contains__, ", ".join(VERDICTS))
        problems = parameters.choice("problems", _FLAGS)
        offer_id = parameters.one("id", _offer_id, "bretagne:2027-0001")
        batch = parameters.one(BATCH, _batch, "b…")
        # A receipt belongs to at most one upload: both filters together can match nothing.
        snapshot = (
            parameters.one(SNAPSHOT, _snapshot, "s…")
            if batch is None
            else parameters.one(SNAPSHOT, _refuse, "batch | snapshot")
        )
        since = parameters.one("since", _instant, "2027-01-15T08:00:00Z")
        order = parameters.choice("order", _ORDERS)
        cursor, limit = paging(parameters, most)
    asked = ReceiptFilter(
        verdicts=verdicts,
        problems=None if problems is None else problems == "true",
        offer_id=offer_id,
        upload=batch or snapshot,
        since=since,
    )
    return ReceiptQuery(asked=asked, newest=order == "newest", cursor=cursor, limit=limit)


def _offer_id(text: str) -> str:
    return _valid(text, is_offer_id(text))


def _batch(text: str) -> str:
    return _valid(text, is_upload_id(text, BATCH))


def _snapshot(text: str) -> str:
    """The id of a snapshot, given as such or by the snapshot's mark."""
    return text if is_upload_id(text, SNAPSHOT) else snapshot_id(_valid(text, _MARK.fullmatch(text) is not None))


def _instant(text: str) -> int:
    return read_utc(_valid(text, _INSTANT.fullmatch(text) is not None))


def _refuse(text: str) -> str:
    raise ValueError(text)


def _valid(text: str, holds: bool) -> str:  # noqa: FBT001  # the sentence reads so
    if not holds:
        raise ValueError(text)
    return text
