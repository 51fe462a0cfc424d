"""Gateways that let the wrong ones in: without a token, with another's or a broken one, by guessing."""

from dataclasses import replace

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.views import asker, code_of, keep

_TOKEN = "/oauth/token"

register("access")


def _without(answered: Answer, name: str) -> Answer:
    return replace(answered, headers={key: value for key, value in answered.headers.items() if key.lower() != name})


@wrong("SEC-001", "takes a token whose signature was changed")
async def compares_the_beginning_of_tokens(seen: Seen, forward: Forward) -> Answer:
    keep(seen)
    answered = await forward(seen)
    known = seen.memory.get("good", {})
    given = seen.headers.get("Authorization", "")
    if answered.status not in {401, 403}:
        seen.memory.setdefault("good", {})[asker(seen)] = given
    elif answered.status == 401 and asker(seen) in known and given[:60] == known[asker(seen)][:60]:
        return await forward(seen.bearing(authorization=known[asker(seen)]))
    return answered


@wrong("SEC-001", "takes a token whatever scheme it comes under")
async def takes_any_scheme(seen: Seen, forward: Forward) -> Answer:
    scheme, _, token = seen.headers.get("Authorization", "").partition(" ")
    other = token.count(".") == 2 and scheme.lower() != "bearer"
    return await forward(seen.bearing(authorization=f"Bearer {token}") if other else seen)


@wrong("SEC-001", "takes a token in the address")
async def takes_tokens_in_addresses(seen: Seen, forward: Forward) -> Answer:
    token = seen.query.get("access_token")
    return await forward(seen.asking(access_token=None).bearing(authorization=f"Bearer {token}") if token else seen)


@wrong("SEC-001", "distinguishes an unknown client from a wrong secret", issues=True)
async def tells_unknown_clients(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.path == _TOKEN and answered.status == 401:
        unknown = b"client_id" in seen.body and seen.memory.get("clients", b"-") not in seen.body
        return replace(answered.saying({"error": "unknown_client"}), status=404) if unknown else answered
    if seen.path == _TOKEN and answered.status == 200:
        seen.memory["clients"] = seen.body.partition(b"client_id=")[2].partition(b"&")[0] or b"-"
    return answered


@wrong("security/guessing", "lets anyone guess as often as they like", issues=True)
async def counts_no_guesses(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.path == _TOKEN and answered.status == 429:
        return json_answer(401, {"error": "invalid_client"})
    return answered


@wrong("security/guessing", "keeps the right secret waiting after wrong ones", issues=True)
async def locks_the_owner_out(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.path != _TOKEN:
        return answered
    if answered.status == 429:
        seen.memory["late"] = answered
    return seen.memory.get("late", answered) if answered.status == 200 else answered


@wrong("security/guessing", "does not say when another proof may be tried", issues=True)
async def tells_no_time_to_guess(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return _without(answered, "retry-after") if answered.status == 429 else answered


@wrong("security/guessing", "answers 403 instead of 429 to too many failed proofs", issues=True)
async def answers_403_to_guesses(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return replace(answered, status=403) if answered.status == 429 and code_of(answered) == "" else answered
