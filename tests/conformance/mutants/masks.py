"""Gateways that show, on one way out, what a publisher masks."""

import csv
import io
import json
from typing import Any
from xml.sax.saxutils import escape

from tests.conformance.mutants.proxy import Answer, Fault, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.views import (
    CHANGES,
    LIST,
    ONE,
    View,
    as_owner,
    asker,
    export_answer,
    export_of,
    keep,
    masked,
    on_views,
    owner,
    upsert_of,
    way,
)

_ITEM = "<item>"


def _unmasked(way_out: str, part: str, *names: str) -> Fault:
    async def answer(seen: Seen, forward: Forward) -> Answer:
        return _showing(seen, await forward(seen), way_out, part, *names)

    return answer


def _showing(seen: Seen, answered: Answer, way_out: str, part: str, *names: str) -> Answer:
    """The answer with some members of a part of each masked offer put back, for others than its publisher."""
    known = keep(seen)

    def unmasked(view: View) -> View:
        document = known.get(view["id"])
        if document is None or not masked(document) or owner(view["id"]) == asker(seen):
            return view
        offer = view["offer"]
        if not part:
            visible = {name: document[name] for name in names if name in document}
            return {**view, "offer": {**offer, **visible}}
        there = document.get(part) or {}
        visible = {name: there[name] for name in names if name in there}
        return {**view, "offer": {**offer, part: {**offer.get(part, {}), **visible}}}

    return on_views(seen, answered, unmasked, [way_out])


@wrong("RTE-005", "masks for the regions, not for the national site and the operator")
async def masks_for_regions_only(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if asker(seen) not in {"national", "operateur"}:
        keep(seen)
        return answered
    for one_way in (LIST, ONE, CHANGES):
        answered = _showing(seen, answered, one_way, "employer", "name", "siret")
    return answered


@wrong("RTE-005", "masks for the publisher as well")
async def masks_for_publishers(seen: Seen, forward: Forward) -> Answer:
    def masking(view: View) -> View:
        document = view["offer"]
        if owner(view["id"]) != asker(seen) or not masked(document):
            return view
        return {**view, "offer": {**document, "employer": {}}}

    return on_views(seen, await forward(seen), masking, [ONE, LIST])


@wrong("RTE-005", "masks what was masked from the start only: an update that masks shows the employer in the feed")
async def ignores_later_masks(seen: Seen, forward: Forward) -> Answer:
    known = dict(keep(seen)) if not seen.publishes else {}
    if seen.publishes:
        before = seen.memory.get("published", {}).get((seen.json or {}).get("id"))
        late = before is not None and not masked(before)
        keep(seen)
        if late and isinstance(seen.json, dict) and masked(seen.json):
            seen.memory.setdefault("late", set()).add(seen.json["id"])
    answered = await forward(seen)

    def unmasked(view: View) -> View:
        if view["id"] not in seen.memory.get("late", set()) or owner(view["id"]) == asker(seen):
            return view
        return {**view, "offer": {**view["offer"], "employer": known[view["id"]]["employer"]}}

    return on_views(seen, answered, unmasked, [CHANGES])


def _near(view: View, box: str) -> bool:
    west, south, east, north = (float(part) for part in box.split(","))
    location = view["offer"]["location"]
    at = location.get("longitude"), location.get("latitude")
    return None not in at and west <= at[0] <= east and south <= at[1] <= north


async def _masked_views(seen: Seen, forward: Forward) -> list[View]:
    """Every live masked offer of others, whole."""
    known = keep(seen)
    mine = [name for name, document in known.items() if masked(document) and owner(name) != asker(seen)]
    found = [await as_owner(seen, forward, name) for name in mine]
    return [view for view in found if view is not None]


def _without_what_is_masked(view: View) -> View:
    offer = {name: value for name, value in view["offer"].items() if name != "extensions"}
    location = {name: view["offer"]["location"][name] for name in ("postal_code", "city")}
    return {**view, "offer": {**offer, "employer": {}, "location": location}}


@wrong("RTE-005", "finds masked offers by their coordinates in lists")
async def finds_masked_offers_by_box(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if way(seen) != LIST or "bbox" not in seen.query or answered.status != 200:
        keep(seen)
        return answered
    found = [view for view in await _masked_views(seen, forward) if _near(view, seen.query["bbox"])]
    body = answered.json
    return answered.saying({**body, "offers": [*body["offers"], *map(_without_what_is_masked, found)]})


@wrong("RTE-005", "finds masked offers by their coordinates in the feed")
async def feeds_masked_offers_by_box(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if way(seen) != CHANGES or "bbox" not in seen.query or answered.status != 200:
        keep(seen)
        return answered
    found = [view for view in await _masked_views(seen, forward) if _near(view, seen.query["bbox"])]
    body = answered.json
    more = [upsert_of(_without_what_is_masked(view)) for view in found]
    return answered.saying({**body, "changes": [*body["changes"], *more]})


@wrong("RTE-005", "finds masked offers by their coordinates in exports")
async def exports_masked_offers_by_box(seen: Seen, forward: Forward) -> Answer:
    text = await export_of(seen, forward, "csv")
    if text is None or "bbox" not in seen.query:
        keep(seen)
        return await forward(seen)
    found = [view for view in await _masked_views(seen, forward) if _near(view, seen.query["bbox"])]
    whole = await export_of(seen.asking(bbox=None, territory="all"), forward, "csv") or ""
    lines = [line for line in whole.splitlines() if any(line.startswith(f'"{view["id"]}"') for view in found)]
    return export_answer("csv", text + "".join(f"{line}\r\n" for line in lines))


async def _csv_showing(seen: Seen, forward: Forward, *columns: str) -> Answer:
    text = await export_of(seen, forward, "csv")
    if text is None:
        keep(seen)
        return await forward(seen)
    views = {view["id"]: view for view in await _masked_views(seen, forward)}
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";"))
    for row in rows:
        view = views.get(row["id"])
        for column in columns if view else ():
            row[column] = str(_value(view or {}, column))
    out = io.StringIO(newline="")
    names = rows[0].keys() if rows else ()
    writer = csv.DictWriter(out, names, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return export_answer("csv", "\ufeff" + out.getvalue()) if rows else await forward(seen)


def _value(view: View, column: str) -> Any:
    offer = view["offer"]
    if column.startswith("employer_"):
        return offer["employer"].get(column.removeprefix("employer_"), "")
    return offer["location"].get(column, "")


@wrong("RTE-005", "shows a masked employer's name and SIRET in the CSV export")
async def exports_names_as_csv(seen: Seen, forward: Forward) -> Answer:
    return await _csv_showing(seen, forward, "employer_name", "employer_siret")


@wrong("RTE-005", "shows the street and the place of a masked employer in the CSV export")
async def exports_locations_as_csv(seen: Seen, forward: Forward) -> Answer:
    return await _csv_showing(seen, forward, "street", "insee_commune", "latitude", "longitude")


@wrong("RTE-005", "shows a masked employer as the organization of a JobPosting")
async def exports_organizations(seen: Seen, forward: Forward) -> Answer:
    text = await export_of(seen, forward, "jobposting")
    if text is None:
        keep(seen)
        return await forward(seen)
    whole = json.loads(text)
    views = {view["id"]: view for view in await _masked_views(seen, forward)}
    for posting in whole["@graph"]:
        view = views.get(posting["identifier"]["value"])
        if view is not None:
            posting["hiringOrganization"] = {"@type": "Organization", "name": view["offer"]["employer"]["name"]}
    return export_answer("jobposting", json.dumps(whole))


@wrong("RTE-005", "shows a masked employer in the RSS export")
async def exports_employers_as_rss(seen: Seen, forward: Forward) -> Answer:
    text = await export_of(seen, forward, "rss")
    if text is None:
        keep(seen)
        return await forward(seen)
    head, *items = text.split(_ITEM)
    views = await _masked_views(seen, forward)
    for index, item in enumerate(items):
        for view in views:
            if f">{view['id']}</guid>" in item:
                name = escape(view["offer"]["employer"]["name"])
                items[index] = f"<stage:employer_name>{name}</stage:employer_name>{item}"
    return export_answer("rss", _ITEM.join([head, *items]))


register("masks", showing=_unmasked)
