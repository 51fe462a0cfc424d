"""Receipts: one for each decision, found by id and listed by filter and order (RCP)."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import schemas
from conformance.standin.canonical import content_digest
from conformance.standin.exchange import PRIVATE, HostAnswer, Localised, PartnerRequest, localised_receipt, refused
from conformance.standin.feed import PAGE_ITEMS, Feed
from conformance.standin.offers import Decision, Submission
from conformance.standin.parameters import Values
from conformance.standin.seal import Seal, derived_id, new_id
from conformance.standin.value import utc

_MAX_KEPT = 20_000
"""Receipts that are kept, the newest."""
_PENDING_MS = 100
"""How long a receipt reads ``pending`` where its publisher did not wait for the decision (RCP-005)."""
_ID_BYTES = 28
_HEADERS: Mapping[str, str] = {**PRIVATE, "Vary": "Authorization, Accept-Language"}
Receipt = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A receipt with its number, and since when it can be read (ms since 1970)."""

    number: int
    publisher: str
    receipt: Receipt
    visible_at: int


class Receipts:
    """The newest receipts of all publishers, in the order of decision."""

    def __init__(self, seal: Seal, feed: Feed) -> None:
        self._seal = seal
        self._feed = feed
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._number = 0

    def add(
        self,
        submission: Submission,
        decision: Decision,
        *,
        position: int,
        now: int,
        problems: list[Mapping[str, Any]],
        upload: Mapping[str, str],
        waited: bool,
    ) -> Receipt:
        """The receipt of a decision, kept. ``problems`` are warnings; ``upload`` names the batch or snapshot. It can be
        read at once where its publisher ``waited`` for it.
        """
        publisher = submission.id.partition(":")[0]
        decided = [] if decision.code is None else [schemas.problem(decision.code).to_json()]
        receipt: Receipt = {
            "receipt": new_id("r", _ID_BYTES),
            "id": submission.id,
            "publisher": "gateway" if submission.gateway else publisher,
            "verdict": decision.outcome,
            "position": f"submissions/0/{position}",
            "at": utc(now),
            "schema_version": schemas.SCHEMA_VERSION,
            "rules_version": schemas.RULES_VERSION,
            "release": schemas.RELEASE,
            "problems": [*decided, *problems],
            "revision": submission.revision,
            **upload,
        }
        state = decision.state
        if not submission.gateway:
            receipt["digest"] = content_digest(submission.document)
        if submission.territory is not None:
            receipt["department"] = submission.territory["department"]
        match decision.outcome:
            case "accepted" if state is not None:
                receipt |= {"sequence": state.sequence, "created": decision.created}
                if submission.reason is not None:
                    receipt["withdrawn"] = submission.reason
            case "duplicate" if state is not None:
                receipt["sequence"] = state.sequence
            case _ if state is not None:
                receipt["current"] = {"revision": state.revision, "sequence": state.sequence}
        self._number += 1
        kept = _Kept(self._number, publisher, receipt, visible_at=now if waited else now + _PENDING_MS)
        self._kept[receipt["receipt"]] = kept
        if len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)
        return receipt

    def one(self, ask: PartnerRequest, receipt_id: str, *, now: int) -> HostAnswer:
        """``GET /v1/receipts/{receipt}``. Raises RefusedError."""
        kept = self._kept.get(receipt_id)
        if kept is None or kept.publisher != ask.platform:
            raise refused("not-found")
        pending = {"receipt": receipt_id, "verdict": "pending"}
        receipt = pending if now < kept.visible_at else kept.receipt
        return HostAnswer(200, Localised(lambda language: localised_receipt(receipt, language)), _HEADERS)

    def page(self, ask: PartnerRequest, values: Values, *, now: int) -> HostAnswer:
        """``GET /v1/receipts``. Raises RefusedError."""
        newest = values["order"] == "newest"
        asked = _filter_of(values)
        scope = (ask.platform, asked, newest)
        after = self._feed.read_cursor("receipts", values["cursor"], *scope)
        limit = values["limit"] or PAGE_ITEMS
        matching = self._matching(ask.platform, asked, after, newest=newest, now=now)
        found = list(islice(matching, limit + 1))
        page = found[:limit]
        last = page[-1][0] if page else after
        cursor = self._seal.close("receipts", last, *scope)

        def write(language: Any) -> Any:
            receipts = [localised_receipt(receipt, language) for _, receipt in page]
            return {"receipts": receipts, "cursor": cursor, "more": bool(found[limit:])}

        return HostAnswer(200, Localised(write), _HEADERS)

    def _matching(
        self, platform: str, asked: Mapping[str, Any], after: int | None, *, newest: bool, now: int
    ) -> Iterator[tuple[int, Receipt]]:
        for kept in reversed(self._kept.values()) if newest else self._kept.values():
            if now < kept.visible_at and not newest:
                return  # else a cursor would pass it
            if kept.publisher != platform or now < kept.visible_at or not _matches(kept.receipt, asked):
                continue
            if after is None or (kept.number < after if newest else kept.number > after):
                yield kept.number, kept.receipt


def _filter_of(values: Values) -> dict[str, Any]:
    snapshot = values["snapshot"]
    if snapshot is not None and not (len(snapshot) == 17 and snapshot.startswith("s")):
        snapshot = derived_id("s", snapshot)  # by its mark
    asked = {
        "verdict": sorted(values["verdict"]),
        "problems": values["problems"],
        "id": values["id"],
        "batch": values["batch"],
        "snapshot": snapshot,
        "since": None if values["since"] is None else utc(values["since"]),
    }
    return {name: value for name, value in asked.items() if value not in (None, [])}


def _matches(receipt: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    for name, value in asked.items():
        match name:
            case "verdict" if receipt["verdict"] not in value:
                return False
            case "problems" if bool(receipt["problems"]) != value:
                return False
            case "since" if receipt["at"] < value:
                return False
            case "id" | "batch" | "snapshot" if receipt.get(name) != value:
                return False
    return True
