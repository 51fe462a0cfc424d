"""Wrong gateways: ids, slugs, owners and addresses (IDN-001 to IDN-005)."""

import re
from base64 import urlsafe_b64decode
from dataclasses import replace
from urllib.parse import unquote

from tests.conformance.mutants.edits import Document
from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.uploads import OFFERS, value_of
from tests.conformance.mutants.ways import problem, problems_changed, reading, refusal, waits, way_in
from tests.conformance.mutants.when import Changed, on_answer, on_request


def _local(offer: Document) -> str:
    return str(offer["id"].partition(":")[2])


@reading("IDN-001", "allows local ids of 64 characters")
def allows_64_characters(offer: Document) -> None:
    if 60 < len(_local(offer)) <= 64:
        offer["id"] = offer["id"][: -(len(_local(offer)) - 60)]


@reading("IDN-001", "allows local ids of 50 characters only")
def allows_50_characters(offer: Document) -> None:
    if 50 < len(_local(offer)) <= 60:
        offer["id"] = f"{offer['id']}{'x' * 11}"


@reading("IDN-001", "accepts blanks, slashes and accents in a local id")
def accepts_any_local_id(offer: Document) -> None:
    offer["id"] = offer["id"].partition(":")[0] + ":" + re.sub("[^A-Za-z0-9._~-]", "-", _local(offer))


@reading("IDN-001", "accepts an id without a platform, or without a local part")
def completes_ids(offer: Document) -> None:
    if ":" not in offer["id"] and re.fullmatch("[A-Za-z0-9._~-]+", offer["id"]):
        offer["id"] = f"bretagne:{offer['id'][:60]}"
    elif offer["id"].endswith(":"):
        offer["id"] += "x"


@reading("IDN-002", "reads a slug in any case")
def reads_slugs_in_any_case(offer: Document) -> None:
    slug, colon, local = offer["id"].partition(":")
    offer["id"] = slug.lower() + colon + local


@reading("IDN-002", "accepts double and outer hyphens, underscores and a digit first in the slugs of extensions")
def accepts_loose_slugs(offer: Document) -> None:
    extensions = offer["extensions"]
    offer["extensions"] = {
        f"x{re.sub('[^a-z0-9]', '', name)}"
        if re.fullmatch("[a-z0-9_-]{1,40}", name) and not _is_slug(name)
        else name: each
        for name, each in extensions.items()
    }


def _is_slug(name: str) -> bool:
    return re.fullmatch("[a-z][a-z0-9]*(?:-[a-z0-9]+)*", name) is not None


@reading("IDN-002", "allows slugs of more than forty characters")
def allows_long_slugs(offer: Document) -> None:
    offer["extensions"] = {name[:40] if _is_slug(name) else name: each for name, each in offer["extensions"].items()}
    slug, colon, local = offer["id"].partition(":")
    if len(slug) > 40:
        offer["id"] = f"bretagne{colon}{local}"


@on_answer("IDN-002", "takes gateway for a platform like any other")
def knows_gateway_as_platform(seen: Seen, answered: Answer) -> Changed:
    if not way_in(seen) or b'"gateway:' not in seen.body:
        return None
    return problems_changed(
        answered, lambda known: [{**each, "code": each["code"].replace("id-malformed", "not-owner")} for each in known]
    )


async def _foreign_lines(seen: Seen, forward: Forward, status: str) -> Answer:
    """The answer to a batch whose foreign lines were left out, and are given this status."""
    if way_in(seen) != "batch" or seen.body.lstrip()[:1] == b"[":
        return await forward(seen)
    lines = [line for line in seen.body.split(b"\n") if line.strip()]
    ids = [str((value_of(line) or {}).get("id")) for line in lines]
    own = _slug_of(seen)
    foreign = [index for index, each in enumerate(ids) if own and not each.startswith(f"{own}:") and ":" in each]
    kept = [line for index, line in enumerate(lines) if index not in foreign]
    if not foreign or not kept or not own:
        return await forward(seen)
    answered = await forward(replace(seen, body=b"\n".join([*kept, b""])))
    body = answered.json
    results = iter(body["results"])
    whole: list[Document] = [
        {"index": index, "id": ids[index], "status": status} if index in foreign else {**next(results), "index": index}
        for index in range(len(lines))
    ]
    statuses = "".join(each["status"][0] for each in whole)
    queued = body.get("queued", 0) + len(foreign)
    return answered.saying({**body, "items": len(lines), "queued": queued, "results": whole, "statuses": statuses})


def _slug_of(seen: Seen) -> str | None:
    """The platform that the token names."""
    claims = seen.headers.get("Authorization", "").split(".")[1:2]
    decoded = value_of(urlsafe_b64decode(f"{claims[0]}==")) if claims else None
    return decoded.get("sub") if isinstance(decoded, dict) else None


@wrong("IDN-003", "passes over the items of other platforms in a batch")
async def ignores_foreign_lines(seen: Seen, forward: Forward) -> Answer:
    return await _foreign_lines(seen, forward, "queued")


@wrong("IDN-003", "accepts items of other platforms in a batch, when it is asked for the decision")
async def accepts_foreign_lines(seen: Seen, forward: Forward) -> Answer:
    return await _foreign_lines(seen, forward, "accepted") if waits(seen) else await forward(seen)


@on_answer("IDN-003", "refuses a whole batch for an item of another platform, as forbidden", "batch")
def forbids_batches(_: Seen, answered: Answer) -> Changed:
    foreign = b'"not-owner"' in answered.body
    return refusal([problem("not-owner", "IDN-003")], "not-owner", 403) if foreign else None


@on_answer("IDN-003", "lets every publisher withdraw the offers of others", "DELETE 403 @not-owner")
def lets_others_withdraw(seen: Seen, _: Answer) -> Changed:
    owner = seen.memory.get(f"token of {seen.path.removeprefix(OFFERS).partition(':')[0]}")
    return seen.bearing(authorization=owner) if owner else None


@on_answer("IDN-003", "lets another platform's item of a snapshot count, and drops it", "snapshot 200|202")
def drops_foreign_items_of_snapshots(_: Seen, answered: Answer) -> Changed:
    if b"not-owner" not in answered.body:
        return None
    results = [
        {name: each for name, each in {**one, "status": "queued"}.items() if name != "problems"}
        if "not-owner" in str(one.get("problems"))
        else one
        for one in answered.json["results"]
    ]
    queued = {"refused": 0, "results": results, "rules": {}, "statuses": "q" * len(results)}
    return answered.saying({**answered.json, **queued})


@on_request("IDN-005", "decodes the address of an offer twice", "/v1/offers/*%25*")
def decodes_addresses_twice(seen: Seen) -> Changed:
    return replace(seen, path=unquote(seen.path))


@on_answer(
    "IDN-005", "finds an offer whatever the case of its address, and with blanks around its id", "/v1/offers/* 400|404"
)
def finds_offers_loosely(seen: Seen, _: Answer) -> Changed:
    slug, _colon, local = unquote(seen.path.removeprefix(OFFERS)).strip().partition(":")
    return replace(seen, path=f"{OFFERS}{slug.lower()}:{local}") if " " not in local else None


@on_request("IDN-005", "fills a missing id of the content in from the address", "offer document")
def fills_ids_in(seen: Seen) -> Changed:
    there = unquote(seen.path.removeprefix(OFFERS))
    return None if "id" in seen.json else seen.carrying({**seen.json, "id": there})


@on_request("IDN-005", "publishes under the id of the content, whatever the address", "offer document")
def trusts_the_id_in_the_content(seen: Seen) -> Changed:
    own = str(seen.json.get("id"))
    return replace(seen, path=OFFERS + own) if re.fullmatch("[a-z-]+:[A-Za-z0-9._~-]+", own) else None


register("identity")
