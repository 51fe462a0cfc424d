"""Gateways whose digests of a copy are wrong: of other offers, of other content, or of another place."""

from collections.abc import Callable
from typing import Any

from conformance.script.digest_tree import node_of
from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.views import as_owner, asker, keep

_DIGEST = "/v1/changes/digest"
_MANY = "1000"


def _page(seen: Seen, answered: Answer) -> Any:
    """The page of an answer with digests, None for another one."""
    return answered.json if (seen.method, seen.path, answered.status) == ("GET", _DIGEST, 200) else None


async def _held(seen: Seen, forward: Forward) -> dict[str, Any]:
    """What a reader from the start holds under the same filter."""
    held: dict[str, Any] = {}
    cursor, more = None, True
    while more:
        page = (await forward(seen.asking(cursor=cursor, limit=_MANY, node=None))).json
        for change in page["changes"]:
            held[change["id"]] = change
        cursor, more = page["cursor"], page["more"]
    return {name: change for name, change in held.items() if change["op"] == "upsert"}


async def _over(
    seen: Seen, forward: Forward, changed: Callable[[dict[str, Any]], dict[str, Any]] = lambda change: change
) -> Answer:
    """The answer with the node over a copy in which each offer is changed."""
    answered = await forward(seen)
    page = _page(seen, answered)
    if page is None or page["more"]:
        return answered
    held = {name: changed(change) for name, change in (await _held(seen, forward)).items()}
    return answered.saying({**page, **node_of(held, page["node"])})


def _with_offer(change: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {**change, "offer": {**change["offer"], **members}}


@wrong("digest/equal-after-each-change", "digests offers without their sequence")
async def digests_no_sequences(seen: Seen, forward: Forward) -> Answer:
    return await _over(seen, forward, lambda change: {**change, "sequence": 0})


@wrong("digest/equal-after-each-change", "digests ids and sequences, not what the offers say")
async def digests_no_contents(seen: Seen, forward: Forward) -> Answer:
    return await _over(seen, forward, lambda change: {**change, "offer": {}})


@wrong("digest/equal-after-each-change", "digests the whole change instead of the offer")
async def digests_whole_changes(seen: Seen, forward: Forward) -> Answer:
    return await _over(seen, forward, lambda change: {**change, "offer": {**change}})


@wrong("digest/of-what-the-reader-sees", "digests offers as they were published, with the hidden employer")
async def digests_hidden_employers(seen: Seen, forward: Forward) -> Answer:
    known = keep(seen)

    def whole(change: dict[str, Any]) -> dict[str, Any]:
        employer = known.get(change["id"], {}).get("employer", change["offer"]["employer"])
        return _with_offer(change, employer=employer)

    return await _over(seen, forward, whole)


@wrong(
    "digest/equal-after-each-change", "gives the digests of the copy that it computed first for this reader and filter"
)
async def digests_an_old_copy(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = _page(seen, answered)
    if page is None or page["more"]:
        return answered
    query = sorted((name, value) for name, value in seen.query.items() if name not in {"cursor", "limit", "node"})
    held = seen.memory.setdefault(f"{asker(seen)} {query}", await _held(seen, forward))
    return answered.saying({**page, **node_of(held, page["node"])})


@wrong("digest/of-what-the-reader-sees", "digests what is withheld from the reader too")
async def digests_withheld_offers(seen: Seen, forward: Forward) -> Answer:
    known = keep(seen)
    answered = await forward(seen)
    page = _page(seen, answered)
    if page is None or page["more"]:
        return answered
    held = await _held(seen, forward)
    for name, document in known.items():
        view = await as_owner(seen, forward, name) if document.get("redistribution") else None
        if view is not None and name not in held and document["sector"] == seen.query.get("sector"):
            held[name] = view
    return answered.saying({**page, **node_of(held, page["node"])})


@wrong("digest/only-at-the-end", "gives the digest of its own copy with every page")
async def digests_before_the_end(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = _page(seen, answered)
    if page is None or not page["more"]:
        return answered
    return answered.saying({**page, "node": "", **node_of(await _held(seen, forward), "")})


@wrong("digest/equal-after-each-change", "gives digests without the page that they are of")
async def digests_without_the_page(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = _page(seen, answered)
    return answered if page is None or page["more"] else answered.saying({**page, "changes": []})


@wrong("digest/nothing-held", "lists only the children that hold something")
async def digests_without_empty_children(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = _page(seen, answered)
    if page is None or "children" not in page:
        return answered
    empty = node_of({}, f"{page['node']}00")["digest"]
    return answered.saying({**page, "children": [each for each in page["children"] if each != empty]})


@wrong("digest/no-such-node", "takes every node that it does not know for the root")
async def digests_the_root_for_any_node(seen: Seen, forward: Forward) -> Answer:
    node = seen.query.get("node", "")
    known = len(node) in {0, 2, 4} and set(node) <= set("0123456789abcdef")
    return await forward(seen if seen.path != _DIGEST or known else seen.asking(node=None))


@wrong("digest/refused-as-the-feed", "answers a cursor that it does not take with the digest from the start")
async def digests_for_any_cursor(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    refused = seen.path == _DIGEST and answered.status in {400, 410} and "cursor" in seen.query
    return await forward(seen.asking(cursor=None)) if refused else answered
