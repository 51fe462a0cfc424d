"""Gateways that give out, on one way out, what they withhold on the others: hidden offers, and what has passed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
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


def _passed(document: Any, reader: str) -> bool:
    return reader == "grand-est" and f"//{_HOST}/" in document.get("apply_url", "")


def _own(document: Any, reader: str) -> bool:
    return owner(document["id"]) == reader


def _hidden_nationally(document: Any, reader: str) -> bool:
    return reader == "national" and hidden_from(document, reader)


def _reserved(document: Any, reader: str) -> bool:
    return reader == "national" and "schools" in document.get("restrictions", {})


def _hidden_regionally(document: Any, reader: str) -> bool:
    return reader not in {"national", ""} and hidden_from(document, reader)


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


@wrong("RTE-002", "lists offers that are not for the regions")
async def lists_hidden_offers(seen: Seen, forward: Forward) -> Answer:
    return await _listing(seen, forward, _hidden_regionally)


@wrong("RTE-002", "shows an offer that is not for the regions to those who know its id")
async def shows_hidden_offers_by_id(seen: Seen, forward: Forward) -> Answer:
    return await _reading(seen, forward, _hidden_regionally)


@wrong("RTE-002", "exports offers that are not for the regions as CSV")
async def exports_hidden_offers_as_csv(seen: Seen, forward: Forward) -> Answer:
    return await _exporting(seen, forward, "csv", _hidden_regionally)


@wrong("RTE-002", "exports offers that are not for the regions as RSS")
async def exports_hidden_offers_as_rss(seen: Seen, forward: Forward) -> Answer:
    return await _exporting(seen, forward, "rss", _hidden_regionally)


@wrong("RTE-002", "lists offers that are not for the national site to it")
async def lists_regional_offers_nationally(seen: Seen, forward: Forward) -> Answer:
    return await _listing(seen, forward, _hidden_nationally)


@wrong("RTE-002", "shows the national site an offer that is not for it, by its id")
async def shows_regional_offers_nationally(seen: Seen, forward: Forward) -> Answer:
    return await _reading(seen, forward, _hidden_nationally)


@wrong("RTE-002", "exports offers that are not for the national site to it")
async def exports_regional_offers_nationally(seen: Seen, forward: Forward) -> Answer:
    return await _exporting(seen, forward, "csv", _hidden_nationally)


@wrong("RTE-002", "feeds the national site offers that are not for it")
async def feeds_regional_offers_nationally(seen: Seen, forward: Forward) -> Answer:
    return await _feeding(seen, forward, _hidden_nationally)


@wrong("NAT-002", "lists offers that are reserved for schools to the national site")
async def lists_reserved_offers_nationally(seen: Seen, forward: Forward) -> Answer:
    return await _listing(seen, forward, _reserved)


@wrong("NAT-002", "shows the national site an offer that is reserved for schools, by its id")
async def shows_reserved_offers_nationally(seen: Seen, forward: Forward) -> Answer:
    return await _reading(seen, forward, _reserved)


@wrong("NAT-002", "exports offers that are reserved for schools to the national site")
async def exports_reserved_offers_nationally(seen: Seen, forward: Forward) -> Answer:
    return await _exporting(seen, forward, "csv", _reserved)


@wrong("NAT-002", "feeds the national site offers that are reserved for schools")
async def feeds_reserved_offers_nationally(seen: Seen, forward: Forward) -> Answer:
    return await _feeding(seen, forward, _reserved)


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


@wrong("RTE-003", "lists offers to the platform on whose host they apply")
async def lists_what_has_passed(seen: Seen, forward: Forward) -> Answer:
    return await _listing(seen, forward, _passed)


@wrong("RTE-003", "shows an offer to the platform on whose host it applies, by its id")
async def shows_what_has_passed(seen: Seen, forward: Forward) -> Answer:
    return await _reading(seen, forward, _passed)


@wrong("RTE-003", "exports offers to the platform on whose host they apply")
async def exports_what_has_passed(seen: Seen, forward: Forward) -> Answer:
    return await _exporting(seen, forward, "csv", _passed)


@wrong("RTE-003", "exports offers as RSS to the platform on whose host they apply")
async def exports_what_has_passed_as_rss(seen: Seen, forward: Forward) -> Answer:
    return await _exporting(seen, forward, "rss", _passed)


@wrong("RTE-003", "feeds publishers their own offers")
async def feeds_own_offers(seen: Seen, forward: Forward) -> Answer:
    return await _feeding(seen, forward, _own)


@wrong("RTE-003", "lists publishers their own offers among those of others")
async def lists_own_offers(seen: Seen, forward: Forward) -> Answer:
    return await _listing(seen, forward, _own)


@wrong("RTE-003", "exports publishers their own offers among those of others")
async def exports_own_offers(seen: Seen, forward: Forward) -> Answer:
    return await _exporting(seen, forward, "csv", _own)
