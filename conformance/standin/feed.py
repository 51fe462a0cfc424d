"""What readers are given: offers one by one, lists, and the changes feed, each with cursors bound to their filter."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from conformance.standin.duplicates import Duplicates
from conformance.standin.exchange import NO_STORE, PRIVATE, HostAnswer, PartnerRequest, refused
from conformance.standin.offers import Offers, State, masked, may_read
from conformance.standin.parameters import Values
from conformance.standin.seal import Seal
from conformance.standin.value import entity_tag, is_known, utc

_LISTED = ("region", "department", "level", "week", "sector", "platform")
PAGE_ITEMS = 100
FRESH_MS = 7 * 24 * 3_600_000


def filter_of(values: Values, territory: frozenset[str]) -> dict[str, Any]:
    """The filter of a request: only the fields in use, sorted. Without region or department the reader's own territory
    is meant, unless ``territory=all``.
    """
    chosen = {name: sorted(values[name]) for name in _LISTED}
    if values["territory"] is None and not chosen["region"] and not chosen["department"]:
        chosen["department"] = sorted(territory)
    chosen["bbox"] = list(values["bbox"] or ())
    return {name: value for name, value in chosen.items() if value}


def matches(asked: Mapping[str, Any], offer: Mapping[str, Any], state: State) -> bool:
    """Whether an offer, as its reader sees it, passes a filter."""
    facts = {
        "region": [(state.territory or {})["region"]],
        "department": [(state.territory or {})["department"]],
        "level": offer["levels"],
        "week": offer["weeks"],
        "sector": [offer["sector"]],
        "platform": [state.platform],
    }
    if any(not set(value).intersection(facts[name]) for name, value in asked.items() if name != "bbox"):
        return False
    return "bbox" not in asked or _lies_within(asked["bbox"], offer["location"])


def _lies_within(box: list[float], location: Mapping[str, Any]) -> bool:
    west, south, east, north = box
    latitude, longitude = location.get("latitude"), location.get("longitude")
    return latitude is not None and longitude is not None and south <= latitude <= north and west <= longitude <= east


class Feed:
    """The answers to readers. Cursors name their list, reader and filter."""

    def __init__(self, offers: Offers, seal: Seal) -> None:
        self._offers = offers
        self._seal = seal
        self._duplicates = Duplicates()
        self._indexed = 0

    def offer(self, ask: PartnerRequest, offer_id: str) -> HostAnswer:
        """``GET /v1/offers/{id}``. Raises RefusedError."""
        state = self._offers.get(offer_id)
        own = state is not None and state.platform == ask.platform
        if state is not None and state.offer is None and own:
            raise refused("offer-withdrawn", members={"marker": _marker(state)})
        if state is None or state.offer is None or not (own or may_read(ask.platform, state.offer, state.provenance)):
            raise refused("not-found")
        tag = entity_tag(state.sequence, self._possible_duplicates(state, ask.platform), ask.platform)
        headers = {**PRIVATE, "ETag": tag}
        if is_known(ask, tag):
            return HostAnswer(304, headers=headers)
        return HostAnswer(200, self._document(state, ask.platform), headers)

    def offers(self, ask: PartnerRequest, values: Values, asked: Mapping[str, Any]) -> HostAnswer:
        """``GET /v1/offers``. Raises RefusedError."""
        tag = entity_tag(self._offers.end, ask.platform, ask.target)
        headers = {**PRIVATE, "ETag": tag}
        if is_known(ask, tag):
            return HostAnswer(304, headers=headers)
        after = self.read_cursor("offers", values["cursor"], ask.platform, asked)
        limit = values["limit"] or PAGE_ITEMS
        found = list(islice(self.visible(ask.platform, asked, after or 0), limit + 1))
        page = found[:limit]
        cursor = self._seal.close("offers", page[-1].offset + 1, ask.platform, asked) if found[limit:] else None
        documents = [self._document(state, ask.platform) for state in page]
        return HostAnswer(200, {"offers": documents, "cursor": cursor, "more": cursor is not None}, headers)

    def visible(self, reader: str, asked: Mapping[str, Any], start: int = 0) -> Iterator[State]:
        """The live offers that a reader may list; its own only where it names its own slug."""
        own = reader in asked.get("platform", ())
        for state in self._offers.changed_from(start):
            if state.offer is None or state.territory is None:
                continue
            mine = state.platform == reader
            if (mine and not own) or (not mine and not may_read(reader, state.offer, state.provenance)):
                continue
            if matches(asked, masked(state.offer, reader=reader, publisher=state.platform), state):
                yield state

    def documents(self, reader: str, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The offers that a reader may list, as the list has them."""
        return (self._document(state, reader) for state in self.visible(reader, asked))

    def _document(self, state: State, reader: str) -> dict[str, Any]:
        found = self._possible_duplicates(state, reader)
        return _document(state, reader) | ({"possible_duplicates": found} if found else {})

    def _possible_duplicates(self, state: State, reader: str) -> list[str]:
        for changed in self._offers.changed_from(self._indexed):
            self._duplicates.update(changed)
        self._indexed = self._offers.end
        return self._duplicates.of(state, reader)

    def read_cursor(self, purpose: str, text: str | None, *scope: Any) -> Any:
        """The position in a list's cursor; None without one. Raises RefusedError."""
        if text is None:
            return None
        values = self._seal.open(purpose, text)
        if values is None:
            raise refused("cursor-forged")
        after, *named = values
        if named != list(scope):
            raise refused("cursor-filter")
        return after

    def changes(self, ask: PartnerRequest, values: Values, asked: Mapping[str, Any], *, now: int) -> HostAnswer:
        """``GET /v1/changes``. Raises RefusedError."""
        position, began = self._progress(values["cursor"], ask.platform, asked, now=now)
        limit = values["limit"] or PAGE_ITEMS
        changes: list[dict[str, Any]] = []
        for state in self._offers.changed_from(position):
            if len(changes) == limit:
                break
            change = _change(state, ask.platform, asked, above_start=state.offset >= began)
            changes += [change] if change is not None else []
            position = state.offset + 1
        else:
            position = self._offers.end
        cursor = self._seal.close("changes", position, began, now, asked, ask.platform)
        page = {"changes": changes, "cursor": cursor, "fresh": utc(now), "more": position < self._offers.end}
        return HostAnswer(200, page, NO_STORE)

    def _progress(self, text: str | None, reader: str, asked: Mapping[str, Any], *, now: int) -> tuple[int, int]:
        """The next offset to read, and the log's end when the reader began."""
        if text is None:
            return 0, self._offers.end
        found = self._seal.open("changes", text)
        if found is None:
            raise refused("cursor-forged")
        position, began, fresh, filtered, named = found
        if named != reader or now - fresh > FRESH_MS:
            raise refused("resync-required")
        if filtered != asked:
            raise refused("cursor-filter")
        return position, began


def _document(state: State, reader: str) -> dict[str, Any]:
    return {
        "id": state.id,
        "sequence": state.sequence,
        "offer": masked(state.offer or {}, reader=reader, publisher=state.platform),
        "territory": state.territory,
        "provenance": state.provenance,
    }


def _marker(state: State) -> dict[str, Any]:
    return {
        "id": state.id,
        "revision": state.revision,
        "sequence": state.sequence,
        "reason": state.reason,
        "at": utc(state.at),
    }


def _change(state: State, reader: str, asked: Mapping[str, Any], *, above_start: bool) -> dict[str, Any] | None:
    if state.offer is not None and may_read(reader, state.offer, state.provenance):
        document = _document(state, reader)
        if matches(asked, document["offer"], state):
            return {"op": "upsert", **document}
    if not above_start or reader not in state.audience:
        return None
    return {"op": "removal", "id": state.id, "sequence": state.sequence, "reason": state.reason or "out-of-scope"}
