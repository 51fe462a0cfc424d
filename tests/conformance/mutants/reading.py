"""Gateways that answer subscribers wrongly: the feed, its cursors and filters, routing, masking."""

from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong


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


@wrong("feed/left-the-filter", "sends no removal when an offer leaves the filter")
async def ignores_out_of_scope(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = _page(seen, answered)
    if page is None or not seen.query.get("sector", seen.query.get("department")):
        return answered
    kept = [change for change in page["changes"] if change.get("reason") != "out-of-scope"]
    return answered.saying({**page, "changes": kept})


@wrong("withdrawal/withdrawn-by-batch", "sends no removal for a withdrawal")
async def sends_no_withdrawals(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = _page(seen, answered)
    if page is None:
        return answered
    kept = [change for change in page["changes"] if change.get("reason") not in {"filled", "cancelled"}]
    return answered.saying({**page, "changes": kept})


@wrong("feed/removal-is-bare", "sends the offer along with its removal")
async def sends_offers_with_removals(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = _page(seen, answered)
    if page is None:
        return answered
    changes = [{**each, "title": "x"} if each["op"] == "removal" else each for each in page["changes"]]
    return answered.saying({**page, "changes": changes})


@wrong("feed/empty-page-has-a-cursor", "returns no cursor with an empty page")
async def omits_the_cursor(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = _page(seen, answered)
    if page is None or page["changes"]:
        return answered
    return answered.saying({name: value for name, value in page.items() if name != "cursor"})


@wrong("feed/size-of-a-page", "ignores the page size")
async def ignores_the_limit(seen: Seen, forward: Forward) -> Answer:
    plain = seen.path == "/v1/changes" and seen.query.get("limit") == "1"
    return await forward(seen.asking(limit="1000") if plain else seen)


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


@wrong("feed/forged", "treats a forged cursor as the beginning")
async def accepts_forged_cursors(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.path == "/v1/changes" and answered.status == 400 and answered.json["code"] == "cursor-forged":
        return await forward(seen.asking(cursor=None))
    return answered


@wrong("feed/with-another-filter", "accepts a cursor under another filter")
async def accepts_cursors_of_other_filters(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.path == "/v1/changes" and answered.status == 400 and answered.json["code"] == "cursor-filter":
        return await forward(seen.asking(cursor=None))
    return answered


@wrong("routing/loop-guard", "forgets the loop guard")
async def forgets_the_loop_guard(seen: Seen, forward: Forward) -> Answer:
    return await forward(_replacing(seen, b"https://stages.grand-est.example/", b"https://stages.elsewhere.example/"))


@wrong("routing/not-for-regions", "ignores that an offer is not for the regions")
async def ignores_not_for_regions(seen: Seen, forward: Forward) -> Answer:
    return await forward(_replacing(seen, b'"regions":false', b'"regions":true'))


@wrong("routing/not-for-national", "ignores that an offer is not for the national site")
async def ignores_not_for_national(seen: Seen, forward: Forward) -> Answer:
    return await forward(_replacing(seen, b'{"national":false}', b'{"national":true}'))


@wrong("routing/masked-employer", "shows a masked employer")
async def unmasks_employers(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    masked = b'"mask_employer":true'
    if seen.method != "GET" or masked not in answered.body:
        return answered
    return Answer(
        answered.status, answered.headers, answered.body.replace(b'"employer":{}', b'"employer":{"name":"X"}')
    )


@wrong("routing/by-place-not-by-publisher", "routes by the publisher's region")
async def routes_by_publisher(seen: Seen, forward: Forward) -> Answer:
    return await forward(
        _replacing(seen, b'"postal_code":"59000","city":"Lille"', b'"postal_code":"35000","city":"Rennes"')
    )


@wrong("routing/possible-duplicate", "flags no duplicates")
async def flags_no_duplicates(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    body = answered.json
    if seen.method == "GET" and isinstance(body, dict) and "possible_duplicates" in body:
        return answered.saying({key: value for key, value in body.items() if key != "possible_duplicates"})
    return answered


@wrong("routing/provenance", "returns no provenance")
async def omits_provenance(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = _page(seen, answered)
    if page is None:
        return answered
    changes = [{**each, "provenance": ["inconnue"]} if "provenance" in each else each for each in page["changes"]]
    return answered.saying({**page, "changes": changes})


def _replacing(seen: Seen, old: bytes, new: bytes) -> Seen:
    """The publication with some bytes replaced."""
    if not seen.publishes or old not in seen.body:
        return seen
    return Seen(seen.method, seen.path, seen.query, seen.headers, seen.body.replace(old, new), seen.memory)
