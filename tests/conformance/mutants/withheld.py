"""Gateways that give out, on one way out, what they withhold on the others: hidden offers, and what has passed."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tests.conformance.mutants.proxy import Answer, Fault, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.views import (
    LIST,
    ONE,
    View,
    as_owner,
    asker,
    export_answer,
    export_of,
    hidden_from,
    keep,
    on_views,
    owner,
    page_of,
    upsert_of,
    way,
    with_changes,
)

_HOST = "stages.grand-est.example"
_ITEM = "<item>"
_RULES: Mapping[str, Callable[[Any, str], bool]] = {
    "passed": lambda document, reader: reader == "grand-est" and f"//{_HOST}/" in document.get("apply_url", ""),
    "own": lambda document, reader: owner(document["id"]) == reader,
    "hidden-nationally": lambda document, reader: reader == "national" and hidden_from(document, reader),
    "hidden-regionally": lambda document, reader: reader not in {"national", ""} and hidden_from(document, reader),
    "reserved": lambda document, reader: reader == "national" and "schools" in document.get("restrictions", {}),
}


async def _withheld(seen: Seen, forward: Forward, withheld: Callable[[Any, str], bool]) -> list[View]:
    """The live offers that this rule withholds from the reader, of the region that is asked for."""
    region = seen.query.get("region")
    found = [await as_owner(seen, forward, name) for name, each in keep(seen).items() if withheld(each, asker(seen))]
    return [view for view in found if view is not None and region in {None, view["territory"]["region"]}]


async def _listing(seen: Seen, forward: Forward, withheld: Callable[[Any, str], bool]) -> Answer:
    """Lists show what this rule withholds."""
    keep(seen)
    answered = await forward(seen)
    if way(seen) != LIST or answered.status != 200 or "cursor" in seen.query or "platform" in seen.query:
        return answered
    body = answered.json
    listed = {view["id"] for view in body["offers"]}
    more = [view for view in await _withheld(seen, forward, withheld) if view["id"] not in listed]
    return answered.saying({**body, "offers": [*body["offers"], *more]})


async def _reading(seen: Seen, forward: Forward, withheld: Callable[[Any, str], bool]) -> Answer:
    """One offer is shown although this rule withholds it."""
    known = keep(seen)
    answered = await forward(seen)
    document = known.get(seen.path.removeprefix("/v1/offers/").replace("%3A", ":"))
    if way(seen) != ONE or answered.status != 404 or document is None or not withheld(document, asker(seen)):
        return answered
    view = await as_owner(seen, forward, document["id"])
    return answered if view is None else replace(answered.saying(view), status=200)


async def _feeding(seen: Seen, forward: Forward, withheld: Callable[[Any, str], bool]) -> Answer:
    """The feed gives what this rule withholds, at the end of the reading."""
    keep(seen)
    answered = await forward(seen)
    page = page_of(seen, answered)
    if page is None or page["more"]:
        return answered
    more = [upsert_of(view) for view in await _withheld(seen, forward, withheld)]
    return with_changes(answered, [*page["changes"], *more])


async def _exporting(seen: Seen, forward: Forward, kind: str, withheld: Callable[[Any, str], bool]) -> Answer:
    """An export holds what this rule withholds: taken from the publisher's own export."""
    keep(seen)
    text = await export_of(seen, forward, kind)
    if text is None:
        return await forward(seen)
    for view in await _withheld(seen, forward, withheld):
        token = seen.memory["tokens"][owner(view["id"])]
        asked = seen.bearing(authorization=token).asking(platform=owner(view["id"]), territory="all", region=None)
        theirs = await export_of(asked, forward, kind) or ""
        if kind == "csv":
            text += "".join(f"{line}\r\n" for line in theirs.splitlines() if line.startswith(f'"{view["id"]}"'))
        else:
            items = [item.partition("</item>")[0] for item in theirs.split(_ITEM)[1:]]
            items = [f"{_ITEM}{item}</item>\n" for item in items if f">{view['id']}</guid>" in item]
            text = text.replace("</channel>", "".join(items) + "</channel>")
    return export_answer(kind, text)


def _giving(way_out: str, rule: str) -> Fault:
    """Give out by this way, or in an export of this kind, what the rule withholds."""
    ways = {"listing": _listing, "reading": _reading, "feeding": _feeding}

    async def answer(seen: Seen, forward: Forward) -> Answer:
        if way_out in ways:
            return await ways[way_out](seen, forward, _RULES[rule])
        return await _exporting(seen, forward, way_out, _RULES[rule])

    return answer


@wrong("RTE-002", "names hidden offers among the possible duplicates of others")
async def names_hidden_duplicates(seen: Seen, forward: Forward) -> Answer:
    known = keep(seen)
    hidden = [name for name, document in known.items() if hidden_from(document, asker(seen))]
    return on_views(
        seen,
        await forward(seen),
        lambda view: (
            {**view, "possible_duplicates": [*view.get("possible_duplicates", []), *hidden]}
            if hidden and view["id"] not in hidden
            else view
        ),
        [LIST, ONE],
    )


@wrong("RTE-002", "goes on showing an offer that an update keeps from the regions, by its id")
async def shows_what_was_not_hidden(seen: Seen, forward: Forward) -> Answer:
    known = keep(seen)
    answered = await forward(seen)
    if way(seen) != ONE:
        return answered
    name = f"{asker(seen)} {seen.path}"
    if answered.status == 200:
        seen.memory[name] = answered
    document = known.get(seen.path.removeprefix("/v1/offers/"))
    old: Answer = seen.memory.get(name, answered)
    return old if answered.status == 404 and document and hidden_from(document, asker(seen)) else answered


register("withheld", giving=_giving)
