"""Gateways that let the wrong ones in: without a token, with another's or a broken one, by guessing."""

from dataclasses import replace

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.views import asker, code_of, keep, problem

_TOKEN = "/oauth/token"


async def _open(seen: Seen, forward: Forward, *paths: str, body: object) -> Answer:
    """These addresses ask for no token."""
    without = seen.path in paths and "Authorization" not in seen.headers
    return json_answer(200, body) if without else await forward(seen)


@wrong("SEC-001", "lets anyone follow the changes")
async def lets_anyone_follow(seen: Seen, forward: Forward) -> Answer:
    return await _open(seen, forward, "/v1/changes", body={"changes": [], "cursor": "x", "more": False})


@wrong("SEC-001", "lets anyone take exports")
async def lets_anyone_export(seen: Seen, forward: Forward) -> Answer:
    paths = [f"/v1/exports/{kind}" for kind in ("csv", "jobposting", "rss")]
    return await _open(seen, forward, *paths, body={"@context": "https://schema.org", "@graph": []})


@wrong("SEC-001", "lets anyone see who takes part")
async def lets_anyone_see_platforms(seen: Seen, forward: Forward) -> Answer:
    return await _open(seen, forward, "/v1/platforms", body={"at": "2026-11-01T00:00:00Z", "platforms": []})


@wrong("SEC-001", "lets anyone list receipts")
async def lets_anyone_list_receipts(seen: Seen, forward: Forward) -> Answer:
    return await _open(seen, forward, "/v1/receipts", body={"receipts": [], "cursor": None, "more": False})


@wrong("SEC-001", "lets anyone take a mark")
async def lets_anyone_take_marks(seen: Seen, forward: Forward) -> Answer:
    return await _open(seen, forward, "/v1/snapshots/marks", body={"mark": "x", "expires_at": "2027-01-01T00:00:00Z"})


@wrong("SEC-001", "looks at an offer before the token: one that is not there is 404 for anyone")
async def looks_before_the_token(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    reading = seen.method == "GET" and seen.path.startswith("/v1/offers/")
    return problem(404, "not-found") if reading and answered.status == 401 else answered


@wrong("SEC-001", "judges a publication before it looks at the token")
async def judges_before_the_token(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.publishes and answered.status == 401 and not isinstance(seen.json, dict):
        return problem(422, "submission-refused", problems=[])
    return answered


@wrong("SEC-001", "answers 403 where the token is missing")
async def answers_403_without_a_token(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    missing = answered.status == 401 and "Authorization" not in seen.headers
    return replace(answered.saying({**answered.json, "status": 403}), status=403) if missing else answered


@wrong("SEC-001", "answers 403 where the token is wrong")
async def answers_403_to_wrong_tokens(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    known = answered.status == 401 and "Authorization" in seen.headers
    return replace(answered.saying({**answered.json, "status": 403}), status=403) if known else answered


@wrong("SEC-001", "answers 401 without a challenge")
async def challenges_nobody(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return _without(answered, "www-authenticate") if answered.status == 401 else answered


@wrong("SEC-001", "asks for a password where it takes tokens")
async def challenges_for_passwords(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if answered.status != 401:
        return answered
    bare = _without(answered, "www-authenticate")
    return replace(bare, headers={**bare.headers, "WWW-Authenticate": 'Basic realm="passerelle"'})


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


@wrong("SEC-001", "asks for a token at an address that is public")
async def guards_the_reference(seen: Seen, forward: Forward) -> Answer:
    public = seen.path in {"/v1/openapi.json", "/v1/asyncapi.json", "/oauth/jwks.json"}
    return problem(401, "token-missing") if public and "Authorization" not in seen.headers else await forward(seen)


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
