"""Gateways that begin or go on wrongly: what a reader from the start gets, and where a cursor leads."""

from collections.abc import Callable
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.views import CHANGES, asker, code_of, page_of, way, with_changes
from tests.conformance.mutants.when import Changed, on_answer, on_page

_FILTERS = ("region", "department", "level", "week", "sector", "platform", "bbox", "territory")


@on_page("FEED-010", "gives a reader from the start an offer twice", "!?cursor")
def begins_with_doubles(_: Seen, page: Any) -> Any:
    return [*page["changes"], *page["changes"][-1:]]


@wrong("FEED-010", "gives a reader from the start the removals too")
async def begins_with_removals(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.method == "DELETE" and answered.status == 200 and "sequence" in (answered.json or {}):
        seen.memory.setdefault("gone", []).append(answered.json)
    page = page_of(seen, answered)
    if page is None or "cursor" in seen.query:
        return answered
    removals = [
        {"op": "removal", "id": said["id"], "sequence": said["sequence"], "reason": "cancelled"}
        for said in seen.memory.get("gone", [])
    ]
    return with_changes(answered, [*removals, *page["changes"]])


@on_page("FEED-010", "gives a reader from the start offers that were withdrawn")
def begins_with_withdrawn_offers(seen: Seen, page: Any) -> Any:
    states = seen.memory.setdefault(f"states {sorted(_filter(seen).items())} {asker(seen)}", {})
    live = {change["id"] for change in page["changes"]}
    old = [] if "cursor" in seen.query or page["more"] else [each for name, each in states.items() if name not in live]
    states.update({each["id"]: each for each in page["changes"] if each["op"] == "upsert"})
    return [*page["changes"], *old]


@wrong("FEED-010", "leaves out offers that were updated when a reader begins")
async def begins_without_updated_offers(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.publishes and answered.status == 200 and (answered.json or {}).get("verdict") == "accepted":
        seen.memory.setdefault("updated", set()).add(answered.json["id"])
    page = page_of(seen, answered)
    if page is None or "cursor" in seen.query:
        return answered
    return with_changes(answered, [e for e in page["changes"] if e["id"] not in seen.memory.get("updated", set())])


@on_page("FEED-003", "loses what happens between an empty page and the next request")
def goes_on_at_the_end(seen: Seen, page: Any) -> Any:
    lost = seen.memory.pop(f"empty {seen.query.get('cursor')}", False)
    if not page["changes"]:
        seen.memory[f"empty {page['cursor']}"] = "cursor" not in seen.query or not lost
    return [] if lost else None


@on_answer("FEED-003", "returns the cursor that it was given, with every page", "feed ?cursor 200")
def returns_the_cursor_it_was_given(seen: Seen, answered: Answer) -> Changed:
    return answered.saying({**answered.json, "cursor": seen.query["cursor"]})


@wrong("FEED-004", "takes a cursor that has lost its end")
async def accepts_cut_cursors(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return await _with_a_known_cursor(seen, forward, answered, lambda known, given: known.startswith(given))


@wrong("FEED-004", "takes a cursor with something behind it")
async def accepts_lengthened_cursors(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return await _with_a_known_cursor(seen, forward, answered, lambda known, given: given.startswith(known))


@wrong("FEED-005", "goes on under the old filter when a cursor comes without one")
async def keeps_the_filter_of_a_cursor(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if way(seen) == CHANGES and code_of(answered) == "cursor-filter" and not _filter(seen):
        return await forward(seen.asking(**seen.memory.get(seen.query["cursor"], {"cursor": None})))
    _remember(seen, answered)
    return answered


@wrong("FEED-005", "binds a cursor to the place only, not to level, week and sector")
async def binds_cursors_to_locations(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if way(seen) == CHANGES and code_of(answered) == "cursor-filter":
        before = seen.memory.get(seen.query["cursor"], {})
        if all(before.get(name) == seen.query.get(name) for name in ("region", "department", "territory", "bbox")):
            old = {name: before.get(name) for name in _FILTERS}
            return await forward(seen.asking(**old))
    _remember(seen, answered)
    return answered


def _filter(seen: Seen) -> dict[str, str | None]:
    return {name: value for name, value in seen.query.items() if name in _FILTERS}


def _remember(seen: Seen, answered: Answer) -> None:
    page = page_of(seen, answered)
    if page is not None:
        seen.memory[page["cursor"]] = _filter(seen)


async def _with_a_known_cursor(
    seen: Seen, forward: Forward, answered: Answer, alike: Callable[[str, str], bool]
) -> Answer:
    """The answer under an issued cursor that is like the given one."""
    cursors = seen.memory.setdefault("cursors", [])
    page = page_of(seen, answered)
    if page is not None:
        cursors.append(page["cursor"])
    given = seen.query.get("cursor", "")
    if way(seen) == CHANGES and code_of(answered) == "cursor-forged":
        known = next((each for each in cursors if len(given) > 20 and alike(each, given)), None)
        return answered if known is None else await forward(seen.asking(cursor=known))
    return answered


register("starting")
