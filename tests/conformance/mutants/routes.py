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
from tests.conformance.mutants.when import Changed, on_answer, on_page

_HOST = "stages.grand-est.example"


_LOST = {"filled", "cancelled", "out-of-scope"}


@on_answer("RTE-004", "adds the reader to the provenance")
def adds_the_reader(seen: Seen, answered: Answer) -> Changed:
    return on_views(
        seen, answered, lambda view: {**view, "provenance": [*dict.fromkeys([*view["provenance"], asker(seen)])]}
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


def _forgetting(seen: Seen, answered: Answer, forgotten: Callable[[Any], bool]) -> Changed:
    """The feed without removals of offers whose last content is like this."""
    known, page = keep(seen), page_of(seen, answered)
    if page is None:
        return None
    lost = {name for name, document in known.items() if forgotten(document) and owner(name) != asker(seen)}
    kept = [each for each in page["changes"] if each.get("reason") not in _LOST or each["id"] not in lost]
    return with_changes(answered, kept)


@on_answer("RTE-006", "sends no removal of a withdrawn offer that was hidden before, to readers who had it")
def forgets_readers_of_hidden_offers(seen: Seen, answered: Answer) -> Changed:
    return _forgetting(seen, answered, lambda each: hidden_from(each, asker(seen)))


@on_answer("RTE-006", "sends no removal when an offer moves to the host of a reader who had it")
def forgets_readers_whose_host_it_is_now(seen: Seen, answered: Answer) -> Changed:
    return _forgetting(seen, answered, lambda each: f"//{_HOST}/" in each["apply_url"])


@on_answer("RTE-006", "sends a withdrawal to those only who could see the offer at the end")
def forgets_readers_after_a_move(seen: Seen, answered: Answer) -> Changed:
    keep(seen)
    region = dict.fromkeys(("57", "54", "67", "68", "51", "88", "10"), "44")
    own = REGIONS.get(asker(seen))
    elsewhere = not seen.query.keys() & {"territory", "region", "department"}
    return _forgetting(
        seen, answered, lambda each: elsewhere and region.get(each["location"]["postal_code"][:2]) != own
    )


@on_answer("RTE-007", "withholds possible duplicates from lists")
def lists_no_duplicates(seen: Seen, answered: Answer) -> Changed:
    return on_views(seen, answered, lambda view: None if view.get("possible_duplicates") else view, [LIST])


@on_page("RTE-007", "withholds possible duplicates from the feed")
def feeds_no_duplicates(seen: Seen, page: Any) -> Any:
    titles = seen.memory.setdefault("titles", {})
    named = ((each, each["offer"]["title"] if each["op"] == "upsert" else "") for each in page["changes"])
    return [each for each, title in named if not title or titles.setdefault(title, each["id"]) == each["id"]]


register("routes")
