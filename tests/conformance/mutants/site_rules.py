"""National sites whose rules have changed: what they check, delete and list, one difference each."""

from tests.conformance.mutants.proxy import Answer, Forward, Seen
from tests.conformance.mutants.sites import SITES, accepting, sent, wrong
from tests.conformance.mutants.table import register

_OFFERS = "/api/v2/internship_offers"


@wrong("NAT-002", "lists the schools that it was sent")
async def keeps_schools(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    schools = sent(seen).get("schools")
    if seen.method != "POST" or answered.status != 201 or not schools:
        return answered
    return answered.saying({**answered.json, "schools": schools})


@wrong("national-site/index-without-deleted", "lists offers that were deleted")
async def lists_deleted_offers(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.method == "POST" and seen.path == _OFFERS and answered.status == 201:
        seen.memory["last"] = answered.json
    listed = answered.json.get("internshipOffers") if seen.method == "GET" and answered.status == 200 else None
    if not isinstance(listed, list) or "last" not in seen.memory or seen.path != _OFFERS:
        return answered
    ids = {each.get("remote_id") for each in listed}
    extra = [] if seen.memory["last"]["remote_id"] in ids else [seen.memory["last"]]
    return answered.saying({**answered.json, "internshipOffers": [*extra, *listed]})


@wrong("national-site/published-at-not-taken", "takes the time of publication from the partner")
async def takes_published_at(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    given = sent(seen).get("published_at")
    if answered.status not in {200, 201} or given is None:
        return answered
    return answered.saying({**answered.json, "published_at": given})


register("site_rules", SITES, accepting=accepting)
