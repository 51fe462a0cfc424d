"""Gateways whose feed is wrong: order, removals, what a reader from the start gets."""

from collections.abc import Callable
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.views import (
    as_owner,
    asker,
    hidden_from,
    keep,
    owner,
    page_of,
    upsert_of,
    with_changes,
)
from tests.conformance.mutants.when import Changed, on_answer, on_page

_HOST = "stages.grand-est.example"

register("feeds")


def _with_removals(
    seen: Seen, answered: Answer, wanted: Callable[[str, Any], bool], reason: str = "cancelled"
) -> Changed:
    """A page with removals of what was withdrawn or noted as gone, where this holds of its id and content."""
    known, page = keep(seen), page_of(seen, answered)
    gone = seen.memory.setdefault("gone", {})
    if seen.method == "DELETE" and answered.status in {200, 202} and "dry_run" not in seen.query:
        gone[seen.path.removeprefix("/v1/offers/")] = answered.json.get("sequence", 1)
    if page is None or "cursor" not in seen.query:
        return None
    there = {change["id"] for change in page["changes"]}
    more = [
        {"op": "removal", "id": name, "sequence": sequence, "reason": reason}
        for name, sequence in gone.items()
        if name not in there and wanted(name, known.get(name, {"id": name}))
    ]
    return with_changes(answered, [*page["changes"], *more])


@on_page("FEED-001", "holds every state back by a page, and sends it after newer changes")
def holds_states_back(seen: Seen, page: Any) -> Any:
    late = seen.memory.pop(seen.query.get("cursor", ""), [])
    states = [change for change in page["changes"] if change["op"] == "upsert"] if "cursor" in seen.query else []
    seen.memory[page["cursor"]] = states
    return [*(change for change in page["changes"] if change not in states), *late]


@on_page("FEED-001", "sends a reader the first state of an offer and no update")
def sends_no_updates(seen: Seen, page: Any) -> Any:
    had = seen.memory.setdefault(f"had {asker(seen)}", set())
    kept = [change for change in page["changes"] if change["op"] == "removal" or change["id"] not in had]
    had.update(change["id"] for change in page["changes"])
    return kept if "cursor" in seen.query else None


@on_page("FEED-001", "loses the last change of every page that more pages follow")
def loses_the_last_of_a_page(_: Seen, page: Any) -> Any:
    return page["changes"][:-1] if page["more"] else None


@on_page("FEED-001", "sends the changes of a page newest first")
def reverses_its_pages(seen: Seen, page: Any) -> Any:
    """Where an offer has several changes in one page: those of the page before, and the newest."""
    changes = []
    for change in page["changes"]:
        before = seen.memory.get(f"state {change['id']}") if "cursor" in seen.query else None
        changes += [change, before] if before is not None and before != change else [change]
        if change["op"] == "upsert":
            seen.memory[f"state {change['id']}"] = change
    return changes


@on_page("REV-007", "gives the removal the sequence of the state that it removes")
def numbers_removals_like_states(seen: Seen, page: Any) -> Any:
    seen.memory.update({each["id"]: each["sequence"] for each in page["changes"] if each["op"] == "upsert"})
    return [{**each, "sequence": seen.memory.get(each["id"], each["sequence"])} for each in page["changes"]]


@on_answer("FEED-006", "sends no removal when an offer is hidden from the reader by an update")
def forgets_who_may_see_no_longer(seen: Seen, answered: Answer) -> Changed:
    known, page = keep(seen), page_of(seen, answered)
    if page is None:
        return None
    hidden = {name for name, document in known.items() if hidden_from(document, asker(seen))}
    left = [each for each in page["changes"] if each.get("reason") != "out-of-scope" or each["id"] not in hidden]
    return with_changes(answered, left)


@wrong("FEED-006", "sends what does not match, and was never sent, as the state it has")
async def sends_what_does_not_match(seen: Seen, forward: Forward) -> Answer:
    known = keep(seen)
    answered = await forward(seen)
    page = page_of(seen, answered)
    if page is None or "cursor" not in seen.query or not set(seen.query) & {"sector", "level", "week"}:
        return answered
    changes = []
    for change in page["changes"]:
        view = await as_owner(seen, forward, change["id"]) if change.get("reason") == "out-of-scope" else None
        document = known.get(change["id"], {})
        visible = view is not None and not hidden_from(document, asker(seen))
        changes.append(upsert_of(view) if view is not None and visible else change)
    return with_changes(answered, changes)


@on_answer("FEED-007", "sends removals of offers that were kept from the regions")
def sends_removals_of_hidden_offers(seen: Seen, answered: Answer) -> Changed:
    return _with_removals(seen, answered, lambda _, document: hidden_from(document, asker(seen)))


@on_answer("FEED-007", "sends the reader removals of offers that apply on its own host")
def sends_removals_of_ones_own_host(seen: Seen, answered: Answer) -> Changed:
    own = asker(seen) == "grand-est"
    return _with_removals(seen, answered, lambda _, document: own and _HOST in document.get("apply_url", ""))


@on_answer("FEED-007", "sends a publisher the removals of its own offers")
def sends_publishers_their_removals(seen: Seen, answered: Answer) -> Changed:
    return _with_removals(seen, answered, lambda name, _: owner(name) == asker(seen))


@on_answer("FEED-007", "sends a removal when an update keeps an offer from a reader who never had it")
def removes_what_was_never_sent(seen: Seen, answered: Answer) -> Changed:
    updated = seen.publishes and answered.status == 200 and hidden_from(seen.json, "grand-est")
    hidden = seen.memory.setdefault("gone", {})
    hidden |= {answered.json["id"]: answered.json["sequence"]} if updated else {}
    mine = asker(seen) == "grand-est" and seen.method == "GET"
    return (
        _with_removals(seen, answered, lambda _, document: hidden_from(document, "grand-est"), "out-of-scope")
        if mine
        else None
    )
