"""Gateways whose feed is wrong: order, removals, what a reader from the start gets."""

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

_HOST = "stages.grand-est.example"

register("feeds")


@wrong("FEED-001", "holds every state back by a page, and sends it after newer changes")
async def holds_states_back(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = page_of(seen, answered)
    if page is None:
        return answered
    late = seen.memory.pop(seen.query.get("cursor", ""), [])
    states = [change for change in page["changes"] if change["op"] == "upsert"] if "cursor" in seen.query else []
    seen.memory[page["cursor"]] = states
    return with_changes(answered, [*(change for change in page["changes"] if change not in states), *late])


@wrong("FEED-001", "sends a reader the first state of an offer and no update")
async def sends_no_updates(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = page_of(seen, answered)
    if page is None:
        return answered
    had = seen.memory.setdefault(f"had {asker(seen)}", set())
    kept = [change for change in page["changes"] if change["op"] == "removal" or change["id"] not in had]
    had.update(change["id"] for change in page["changes"])
    return with_changes(answered, kept if "cursor" in seen.query else page["changes"])


@wrong("FEED-001", "loses the last change of every page that more pages follow")
async def loses_the_last_of_a_page(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = page_of(seen, answered)
    return with_changes(answered, page["changes"][:-1]) if page and page["more"] else answered


@wrong("FEED-001", "sends the changes of a page newest first")
async def reverses_its_pages(seen: Seen, forward: Forward) -> Answer:
    """Where an offer has several changes in one page: those of the page before, and the newest."""
    answered = await forward(seen)
    page = page_of(seen, answered)
    if page is None or "cursor" not in seen.query:
        if page is not None:
            seen.memory.update({f"state {each['id']}": each for each in page["changes"] if each["op"] == "upsert"})
        return answered
    changes = []
    for change in page["changes"]:
        before = seen.memory.get(f"state {change['id']}")
        changes += [change, before] if before is not None and before != change else [change]
        if change["op"] == "upsert":
            seen.memory[f"state {change['id']}"] = change
    return with_changes(answered, changes)


@wrong("REV-007", "gives the removal the sequence of the state that it removes")
async def numbers_removals_like_states(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = page_of(seen, answered)
    if page is None:
        return answered
    changes = []
    for change in page["changes"]:
        if change["op"] == "upsert":
            seen.memory[change["id"]] = change["sequence"]
        changes.append({**change, "sequence": seen.memory.get(change["id"], change["sequence"])})
    return with_changes(answered, changes)


@wrong("FEED-006", "sends no removal when an offer is hidden from the reader by an update")
async def forgets_who_may_see_no_longer(seen: Seen, forward: Forward) -> Answer:
    known = keep(seen)
    answered = await forward(seen)
    page = page_of(seen, answered)
    if page is None:
        return answered
    hidden = {name for name, document in known.items() if hidden_from(document, asker(seen))}
    return with_changes(
        answered, [each for each in page["changes"] if each.get("reason") != "out-of-scope" or each["id"] not in hidden]
    )


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


@wrong("FEED-007", "sends removals of offers that were kept from the regions")
async def sends_removals_of_hidden_offers(seen: Seen, forward: Forward) -> Answer:
    known = keep(seen)
    answered = await forward(seen)
    if seen.method == "DELETE" and answered.status in {200, 202} and "dry_run" not in seen.query:
        seen.memory.setdefault("gone", []).append((seen.path.removeprefix("/v1/offers/"), answered.json))
    page = page_of(seen, answered)
    if page is None or "cursor" not in seen.query:
        return answered
    found = {change["id"] for change in page["changes"]} | {asker(seen)}
    more = [
        {"op": "removal", "id": name, "sequence": said.get("sequence", 1), "reason": "cancelled"}
        for name, said in seen.memory.get("gone", [])
        if name not in found and hidden_from(known.get(name, {"id": name}), asker(seen))
    ]
    return with_changes(answered, [*page["changes"], *more])


@wrong("FEED-007", "sends the reader removals of offers that apply on its own host")
async def sends_removals_of_ones_own_host(seen: Seen, forward: Forward) -> Answer:
    known = keep(seen)
    answered = await forward(seen)
    if seen.method == "DELETE" and answered.status in {200, 202} and "dry_run" not in seen.query:
        name = seen.path.removeprefix("/v1/offers/")
        if _HOST in known.get(name, {}).get("apply_url", ""):
            seen.memory.setdefault("gone", []).append((name, answered.json))
    page = page_of(seen, answered)
    if page is None or "cursor" not in seen.query or asker(seen) != "grand-est":
        return answered
    more = [
        {"op": "removal", "id": name, "sequence": said.get("sequence", 1), "reason": "cancelled"}
        for name, said in seen.memory.get("gone", [])
    ]
    return with_changes(answered, [*page["changes"], *more])


@wrong("FEED-007", "sends a publisher the removals of its own offers")
async def sends_publishers_their_removals(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.method == "DELETE" and answered.status in {200, 202} and "dry_run" not in seen.query:
        seen.memory.setdefault("gone", []).append((seen.path.removeprefix("/v1/offers/"), answered.json))
    page = page_of(seen, answered)
    if page is None or "cursor" not in seen.query:
        return answered
    more = [
        {"op": "removal", "id": name, "sequence": said.get("sequence", 1), "reason": "cancelled"}
        for name, said in seen.memory.get("gone", [])
        if owner(name) == asker(seen)
    ]
    return with_changes(answered, [*page["changes"], *more])


@wrong("FEED-007", "sends a removal when an update keeps an offer from a reader who never had it")
async def removes_what_was_never_sent(seen: Seen, forward: Forward) -> Answer:
    known = keep(seen)
    answered = await forward(seen)
    if seen.publishes and answered.status == 200 and hidden_from(known.get(seen.json["id"], seen.json), "grand-est"):
        seen.memory.setdefault("hidden", []).append(answered.json)
    page = page_of(seen, answered)
    if page is None or "cursor" not in seen.query or asker(seen) != "grand-est":
        return answered
    found = {change["id"] for change in page["changes"]}
    more = [
        {"op": "removal", "id": said["id"], "sequence": said["sequence"], "reason": "out-of-scope"}
        for said in seen.memory.get("hidden", [])
        if said["id"] not in found
    ]
    return with_changes(answered, [*page["changes"], *more])
