"""National sites whose rules have changed: what they check, delete and list, one difference each."""

from dataclasses import replace
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer
from tests.conformance.mutants.sites import wrong

_OFFERS = "/api/v2/internship_offers"


def _sent(seen: Seen) -> dict[str, Any]:
    body = seen.json
    return dict(body.get("internship_offer", {})) if isinstance(body, dict) else {}


def _accepting(seen: Seen, answered: Answer, *, when: bool) -> Answer:
    """The answer, or one that accepts the offer where ``when`` holds."""
    return json_answer(201, _sent(seen)) if when and seen.method == "POST" and seen.path == _OFFERS else answered


@wrong("NAT-001", "looks for the word test in small letters only")
async def accepts_test_in_capitals(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    link = str(_sent(seen).get("permalink", ""))
    return _accepting(seen, answered, when="test" in link.lower() and "test" not in link)


@wrong("NAT-001", "looks for test as a word, not within one")
async def accepts_attestations(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return _accepting(seen, answered, when="attestation" in str(_sent(seen).get("permalink", "")).lower())


@wrong("NAT-001", "accepts links with staging")
async def accepts_staging(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return _accepting(seen, answered, when="staging" in str(_sent(seen).get("permalink", "")).lower())


@wrong("NAT-001", "checks links when an offer is created, not when it is changed")
async def accepts_tests_in_updates(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    refused = seen.method == "PATCH" and answered.status == 400 and "permalink" in answered.json.get("error", {})
    return json_answer(200, _sent(seen)) if refused else answered


@wrong("NAT-002", "lists the schools that it was sent")
async def keeps_schools(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    schools = _sent(seen).get("schools")
    if seen.method != "POST" or answered.status != 201 or not schools:
        return answered
    return answered.saying({**answered.json, "schools": schools})


@wrong("NAT-003", "accepts seconde in the first mandatory week alone")
async def accepts_the_first_week(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    weeks = _sent(seen).get("weeks", [])
    return _accepting(
        seen, answered, when=answered.status == 422 and len(weeks) == 1 and weeks[0].endswith(("24", "25"))
    )


@wrong("NAT-003", "accepts seconde in the second mandatory week alone")
async def accepts_the_second_week(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    weeks = _sent(seen).get("weeks", [])
    return _accepting(
        seen, answered, when=answered.status == 422 and len(weeks) == 1 and weeks[0].endswith(("25", "26"))
    )


@wrong("NAT-003", "accepts seconde in any two weeks")
async def accepts_any_two_weeks(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    seconde = _sent(seen).get("grades") == ["seconde"] and len(_sent(seen).get("weeks", [])) >= 2
    return _accepting(seen, answered, when=answered.status == 422 and seconde)


@wrong("NAT-003", "checks the weeks of seconde when an offer is created, not when it is changed")
async def accepts_weeks_in_updates(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    refused = seen.method == "PATCH" and answered.status == 422 and _sent(seen).get("grades") == ["seconde"]
    return json_answer(200, _sent(seen)) if refused else answered


@wrong("NAT-004", "shows the weeks that were sent, and the period of one week")
async def shows_one_week(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.method not in {"POST", "PATCH"} or answered.status not in {200, 201}:
        return answered
    weeks = answered.json.get("weeks", [])
    return answered.saying({**answered.json, "weeks": weeks[:1], "period": 1})


@wrong("NAT-006", "knows Saint-Pierre-et-Miquelon")
async def knows_975(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return _accepting(seen, answered, when=str(_sent(seen).get("zipcode", "")).startswith("975"))


@wrong("NAT-006", "accepts postcodes of the army and of business mail")
async def accepts_army_postcodes(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    code = str(_sent(seen).get("zipcode", ""))
    return _accepting(seen, answered, when=code.startswith(("00", "96", "99")))


@wrong("NAT-006", "no longer knows the departments overseas")
async def forgets_overseas(seen: Seen, forward: Forward) -> Answer:
    if seen.method == "POST" and str(_sent(seen).get("zipcode", "")).startswith(("971", "974", "976", "988")):
        return json_answer(400, {"error": {"zipcode": ["n'est pas valide"]}, "code": "VALIDATION_ERROR"})
    return await forward(seen)


@wrong("NAT-006", "no longer knows Corsica")
async def forgets_corsica(seen: Seen, forward: Forward) -> Answer:
    if seen.method == "POST" and str(_sent(seen).get("zipcode", "")).startswith("20"):
        return json_answer(400, {"error": {"zipcode": ["n'est pas valide"]}, "code": "VALIDATION_ERROR"})
    return await forward(seen)


@wrong("NAT-007", "accepts collège and seconde together in an update")
async def mixes_levels_in_updates(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    refused = seen.method == "PATCH" and answered.status in {400, 422} and len(_sent(seen).get("grades") or ()) > 1
    return json_answer(200, _sent(seen)) if refused else answered


@wrong("NAT-007", "refuses quatrième and troisième together")
async def parts_the_levels_of_college(seen: Seen, forward: Forward) -> Answer:
    grades = set(_sent(seen).get("grades") or ())
    if seen.method == "POST" and {"quatrieme", "troisieme"} <= grades:
        return json_answer(422, {"error": "Les niveaux ne vont pas ensemble", "code": "WRONG_PARAMS"})
    return await forward(seen)


@wrong("NAT-008", "accepts a description of the employer of blanks only")
async def accepts_blank_descriptions(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return _accepting(seen, answered, when=str(_sent(seen).get("employer_description", "x")).strip() == "")


@wrong("NAT-008", "asks for a description of thirty characters")
async def asks_for_long_descriptions(seen: Seen, forward: Forward) -> Answer:
    if seen.method == "POST" and 0 < len(str(_sent(seen).get("employer_description", ""))) < 30:
        return json_answer(400, {"error": {"employer_description": ["est trop court"]}, "code": "VALIDATION_ERROR"})
    return await forward(seen)


@wrong("national-site/deleted-means-dead", "answers 200 to a second deletion")
async def deletes_twice(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.method == "DELETE" and answered.status == 200:
        seen.memory[seen.path] = True
    again = seen.method == "DELETE" and answered.status == 409 and seen.path in seen.memory
    return replace(answered, status=200) if again else answered


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


@wrong("national-site/unknown-members-dropped", "refuses members that it does not know")
async def refuses_unknown_members(seen: Seen, forward: Forward) -> Answer:
    if seen.method == "POST" and "siret" in _sent(seen):
        return json_answer(400, {"error": {"siret": ["inconnu"]}, "code": "VALIDATION_ERROR"})
    return await forward(seen)


@wrong("national-site/title-limit", "accepts titles of any length")
async def accepts_long_titles(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return _accepting(seen, answered, when=len(str(_sent(seen).get("title", ""))) > 150)


@wrong("national-site/seats-limit", "accepts offers without a seat")
async def accepts_no_seats(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return _accepting(seen, answered, when=_sent(seen).get("max_candidates") == 0)


@wrong("national-site/published-at-not-taken", "takes the time of publication from the partner")
async def takes_published_at(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    given = _sent(seen).get("published_at")
    if answered.status not in {200, 201} or given is None:
        return answered
    return answered.saying({**answered.json, "published_at": given})
