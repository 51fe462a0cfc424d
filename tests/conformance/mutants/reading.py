"""Gateways that answer subscribers wrongly: the feed, its cursors and filters, routing, masking."""

from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register


def _page(seen: Seen, answered: Answer) -> Any:
    return answered.json if seen.path == "/v1/changes" and answered.status == 200 else None


@wrong("feed/goes-on-where-it-stood", "uses >= for > in the cursor: the last change of a page comes again")
async def compares_with_or_equal(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = _page(seen, answered)
    if page is None:
        return answered
    again = seen.memory.get(seen.query.get("cursor", ""))
    last = page["changes"][-1] if page["changes"] else again
    if last is not None:
        seen.memory[page["cursor"]] = last
    return answered.saying({**page, "changes": [*([again] if again else []), *page["changes"]]})


@wrong("feed/updates-in-order", "sends an older state after a newer one")
async def sends_old_states(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = _page(seen, answered)
    if page is None:
        return answered
    old = [seen.memory[each["id"]] for each in page["changes"] if each["id"] in seen.memory and each["op"] == "upsert"]
    for change in page["changes"]:
        if change["op"] == "upsert":
            seen.memory.setdefault(change["id"], change)
    late = [each for each in old if not any(each["sequence"] == change["sequence"] for change in page["changes"])]
    return answered.saying({**page, "changes": [*page["changes"], *late]})


register("reading")
