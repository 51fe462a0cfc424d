"""Gateways that route wrongly: by whose place, past which platform, who learns of a removal, duplicates."""

import csv
import io
from collections.abc import Callable
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.views import (
    LIST,
    REGIONS,
    asker,
    export_answer,
    export_of,
    hidden_from,
    keep,
    on_views,
    owner,
    page_of,
    way,
    with_changes,
)

_HOST = "stages.grand-est.example"


@wrong("RTE-004", "adds the reader to the provenance")
async def adds_the_reader(seen: Seen, forward: Forward) -> Answer:
    return on_views(
        seen,
        await forward(seen),
        lambda view: {**view, "provenance": [*dict.fromkeys([*view["provenance"], asker(seen)])]},
    )


@wrong("RTE-001", "lists by the publisher's region")
async def lists_by_publisher(seen: Seen, forward: Forward) -> Answer:
    region = seen.query.get("region")
    if way(seen) != LIST or region is None or "cursor" in seen.query:
        return await forward(seen)
    answered = await forward(seen.asking(region=None, territory="all"))
    if answered.status != 200:
        return answered
    body = answered.json
    kept = [view for view in body["offers"] if REGIONS.get(owner(view["id"])) in region.split(",")]
    return answered.saying({**body, "offers": kept, "more": False, "cursor": None})


@wrong("RTE-001", "exports by the publisher's region")
async def exports_by_publisher(seen: Seen, forward: Forward) -> Answer:
    text = await export_of(seen, forward, "csv")
    region = seen.query.get("region", REGIONS.get(asker(seen)))
    if text is None or region is None or "territory" in seen.query:
        return await forward(seen)
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";"))
    out = io.StringIO(newline="")
    kept = [row for row in rows[1:] if row and REGIONS.get(owner(row[0])) == region]
    csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL).writerows([rows[0], *kept])
    return export_answer("csv", "\ufeff" + out.getvalue())


def _forgetting(seen: Seen, answered: Answer, forgotten: Callable[[Any], bool], reasons: set[str]) -> Answer:
    """The feed without removals, for these reasons, of offers whose last content is like this."""
    page = page_of(seen, answered)
    if page is None:
        return answered
    known = keep(seen)
    lost = {name for name, document in known.items() if forgotten(document) and owner(name) != asker(seen)}
    return with_changes(
        answered,
        [each for each in page["changes"] if each.get("reason") not in reasons or each["id"] not in lost],
    )


@wrong("RTE-006", "sends no removal of a withdrawn offer that was hidden before, to readers who had it")
async def forgets_readers_of_hidden_offers(seen: Seen, forward: Forward) -> Answer:
    keep(seen)
    return _forgetting(
        seen, await forward(seen), lambda each: hidden_from(each, asker(seen)), {"filled", "cancelled", "out-of-scope"}
    )


@wrong("RTE-006", "sends no removal when an offer moves to the host of a reader who had it")
async def forgets_readers_whose_host_it_is_now(seen: Seen, forward: Forward) -> Answer:
    keep(seen)
    return _forgetting(
        seen,
        await forward(seen),
        lambda each: f"//{_HOST}/" in each["apply_url"],
        {"filled", "cancelled", "out-of-scope"},
    )


@wrong("RTE-006", "sends a withdrawal to those only who could see the offer at the end")
async def forgets_readers_after_a_move(seen: Seen, forward: Forward) -> Answer:
    keep(seen)
    answered = await forward(seen)
    if seen.query.keys() & {"territory", "region", "department"}:
        return answered
    region = {"57": "44", "54": "44", "67": "44", "68": "44", "51": "44", "88": "44", "10": "44"}
    return _forgetting(
        seen,
        answered,
        lambda each: region.get(each["location"]["postal_code"][:2]) != REGIONS.get(asker(seen)),
        {"filled", "cancelled", "out-of-scope"},
    )


@wrong("RTE-007", "withholds possible duplicates from lists")
async def lists_no_duplicates(seen: Seen, forward: Forward) -> Answer:
    return on_views(seen, await forward(seen), lambda view: None if view.get("possible_duplicates") else view, [LIST])


@wrong("RTE-007", "withholds possible duplicates from the feed")
async def feeds_no_duplicates(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = page_of(seen, answered)
    if page is None:
        return answered
    kept = []
    titles = seen.memory.setdefault("titles", {})
    for change in page["changes"]:
        title = change["offer"]["title"] if change["op"] == "upsert" else ""
        if not title or titles.setdefault(title, change["id"]) == change["id"]:
            kept.append(change)
    return with_changes(answered, kept)


register("routes")
