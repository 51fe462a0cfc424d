"""National sites that are wrong on purpose, or have changed: the simulator behind a proxy, with one fault each."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.conformance.mutants.proxy import Answer, Fault, Forward, Mutant, Seen, json_answer

SITES: dict[str, Mutant] = {}
_OFFERS = "/api/v2/internship_offers"


def wrong(names: str, fault: str) -> Callable[[Fault], Fault]:
    """Register a wrong site under its function's name."""

    def register(answer: Fault) -> Fault:
        name = answer.__name__.replace("_", "-")
        SITES[name] = Mutant(name, fault, names, answer)
        return answer

    return register


def _sent(seen: Seen) -> dict[str, Any]:
    """The offer in a request, empty where there is none."""
    body = seen.json
    return dict(body.get("internship_offer", {})) if isinstance(body, dict) else {}


def _refused(seen: Seen, answered: Answer, field: str) -> bool:
    """Whether an offer was refused, for one of its fields among others."""
    return seen.method == "POST" and answered.status == 400 and field in answered.json.get("error", {})


def _created(seen: Seen) -> Answer:
    return json_answer(201, _sent(seen))


@wrong("national-site/deleted-means-dead", "accepts a deleted name again")
async def accepts_deleted_names(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.method == "DELETE" and answered.status == 200:
        seen.memory[seen.path] = True
    again = seen.method == "POST" and answered.status == 409 and f"{_OFFERS}/{_sent(seen)['remote_id']}" in seen.memory
    return _created(seen) if again else answered


@wrong("national-site/same-name-twice", "accepts a name twice")
async def accepts_names_twice(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.method == "DELETE" and answered.status == 200:
        seen.memory[seen.path] = True
    dead = f"{_OFFERS}/{_sent(seen).get('remote_id')}" in seen.memory
    return _created(seen) if seen.method == "POST" and answered.status == 409 and not dead else answered


@wrong("national-site/updates", "forgets the levels at every update")
async def forgets_levels(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return answered.saying({**answered.json, "grades": ["seconde"]}) if seen.method == "PATCH" else answered


@wrong("national-site/partial-update-resets-levels", "keeps the levels at a partial update")
async def keeps_levels(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    partial = seen.method == "PATCH" and "grades" not in _sent(seen)
    return answered.saying({**answered.json, "grades": ["troisieme"]}) if partial else answered


@wrong("national-site/word-test-refused", "accepts links to a test")
async def accepts_links_to_tests(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return _created(seen) if _refused(seen, answered, "permalink") else answered


@wrong("national-site/postcode-975-refused", "accepts a postcode in 975")
async def accepts_postcodes_in_975(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return _created(seen) if _refused(seen, answered, "zipcode") else answered


@wrong("national-site/employer-description-needed", "accepts an offer without a description of the employer")
async def needs_no_description(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return _created(seen) if _refused(seen, answered, "employer_description") else answered


@wrong("national-site/employer-name-needed", "accepts an offer without the employer's name")
async def needs_no_name(seen: Seen, forward: Forward) -> Answer:
    nameless = seen.method == "POST" and seen.path == _OFFERS and not _sent(seen).get("employer_name")
    return _created(seen) if nameless else await forward(seen)


@wrong("national-site/seconde-needs-both-weeks", "accepts seconde in one week")
async def accepts_seconde_in_one_week(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    alone = seen.method == "POST" and answered.status == 422 and _sent(seen).get("grades") == ["seconde"]
    return _created(seen) if alone else answered


@wrong("national-site/levels-not-mixed", "accepts collège and seconde in one offer")
async def mixes_levels(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    mixed = seen.method == "POST" and answered.status == 422 and len(_sent(seen).get("grades", ())) > 1
    return _created(seen) if mixed else answered


@wrong("national-site/unknown-name", "answers that an unknown name was deleted")
async def deletes_unknown_names(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return replace(answered, status=200) if seen.method == "DELETE" and answered.status == 404 else answered


@wrong("national-site/without-a-token", "lets anyone read")
async def lets_anyone_read(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return json_answer(200, {"internshipOffers": []}) if answered.status == 401 and seen.method == "GET" else answered


@wrong("national-site/index", "returns its list without pages")
async def lists_without_pages(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.method != "GET" or answered.status != 200:
        return answered
    return answered.saying({name: value for name, value in answered.json.items() if name != "pagination"})


@wrong("national-site/schools-unknown", "reserves offers for schools")
async def reserves_for_schools(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.method != "POST" or answered.status != 201:
        return answered
    return answered.saying({**answered.json, "schools": []})


@wrong("national-site/creates-and-deletes", "no longer deletes for partners")
async def deletes_nothing(seen: Seen, forward: Forward) -> Answer:
    return json_answer(403, {"code": "FORBIDDEN"}) if seen.method == "DELETE" else await forward(seen)
