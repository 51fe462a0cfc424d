"""National sites that are wrong on purpose, or have changed: the simulator behind a proxy, with one fault each."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.conformance.mutants.edits import meets
from tests.conformance.mutants.proxy import Answer, Fault, Forward, Mutant, Seen, json_answer
from tests.conformance.mutants.table import register
from tests.conformance.mutants.when import answered_so, asked

SITES: dict[str, Mutant] = {}
_OFFERS = "/api/v2/internship_offers"


def wrong(names: str, fault: str) -> Callable[[Fault], Fault]:
    """Register a wrong site under its function's name."""

    def register(answer: Fault) -> Fault:
        name = answer.__name__.replace("_", "-")
        SITES[name] = Mutant(name, fault, names, answer)
        return answer

    return register


def sent(seen: Seen) -> dict[str, Any]:
    """The offer in a request, empty where there is none."""
    body = seen.json
    return dict(body.get("internship_offer", {})) if isinstance(body, dict) else {}


def _created(seen: Seen) -> Answer:
    return json_answer(201, sent(seen))


@wrong("national-site/deleted-means-dead", "accepts a deleted name again")
async def accepts_deleted_names(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.method == "DELETE" and answered.status == 200:
        seen.memory[seen.path] = True
    again = seen.method == "POST" and answered.status == 409 and f"{_OFFERS}/{sent(seen)['remote_id']}" in seen.memory
    return _created(seen) if again else answered


@wrong("national-site/same-name-twice", "accepts a name twice")
async def accepts_names_twice(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.method == "DELETE" and answered.status == 200:
        seen.memory[seen.path] = True
    dead = f"{_OFFERS}/{sent(seen).get('remote_id')}" in seen.memory
    return _created(seen) if seen.method == "POST" and answered.status == 409 and not dead else answered


@wrong("national-site/employer-name-needed", "accepts an offer without the employer's name")
async def needs_no_name(seen: Seen, forward: Forward) -> Answer:
    nameless = seen.method == "POST" and seen.path == _OFFERS and not sent(seen).get("employer_name")
    return _created(seen) if nameless else await forward(seen)


def accepting(when: str, does: Mapping[str, Any], status: int = 201) -> Fault:
    """A site that accepts the offer of such a request, or of one that is answered so: with this status."""

    async def answer(seen: Seen, forward: Forward) -> Answer:
        answered = await forward(seen)
        found = re.search(does.get("found", "").encode(), answered.body)
        so = (
            found
            and asked(when, seen)
            and answered_so(when, seen, answered)
            and meets(seen.json, does.get("wants", {}))
        )
        return json_answer(status, sent(seen)) if so else answered

    return answer


register("sites", SITES, accepting=accepting)
