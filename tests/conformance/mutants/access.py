"""Gateways that let the wrong ones in: without a token, with another's or a broken one, by guessing."""

from dataclasses import replace

from tests.conformance.mutants.proxy import Answer, Seen, json_answer
from tests.conformance.mutants.table import register
from tests.conformance.mutants.views import asker, code_of, keep
from tests.conformance.mutants.when import Changed, on_answer, on_request

register("access")


@on_answer("SEC-001", "takes a token whose signature was changed")
def compares_the_beginning_of_tokens(seen: Seen, answered: Answer) -> Changed:
    keep(seen)
    known, given = seen.memory.setdefault("good", {}), seen.headers.get("Authorization", "")
    good = known.get(asker(seen))
    if answered.status not in {401, 403}:
        known[asker(seen)] = given
    alike = answered.status == 401 and good and given[:60] == good[:60]
    return seen.bearing(authorization=good) if alike else None


@on_request("SEC-001", "takes a token whatever scheme it comes under", "#Authorization")
def takes_any_scheme(seen: Seen) -> Changed:
    scheme, _, token = seen.headers["Authorization"].partition(" ")
    other = token.count(".") == 2 and scheme.lower() != "bearer"
    return seen.bearing(authorization=f"Bearer {token}") if other else None


@on_request("SEC-001", "takes a token in the address", "?access_token")
def takes_tokens_in_addresses(seen: Seen) -> Changed:
    return seen.asking(access_token=None).bearing(authorization=f"Bearer {seen.query['access_token']}")


@on_answer("SEC-001", "distinguishes an unknown client from a wrong secret", "/oauth/token", issues=True)
def tells_unknown_clients(seen: Seen, answered: Answer) -> Changed:
    if answered.status == 200:
        seen.memory["clients"] = seen.body.partition(b"client_id=")[2].partition(b"&")[0] or b"-"
    unknown = b"client_id" in seen.body and seen.memory.get("clients", b"-") not in seen.body
    refused = replace(answered.saying({"error": "unknown_client"}), status=404)
    return refused if answered.status == 401 and unknown else None


@on_answer("security/guessing", "lets anyone guess as often as they like", "/oauth/token 429", issues=True)
def counts_no_guesses(_: Seen, _answered: Answer) -> Changed:
    return json_answer(401, {"error": "invalid_client"})


@on_answer("security/guessing", "keeps the right secret waiting after wrong ones", "/oauth/token", issues=True)
def locks_the_owner_out(seen: Seen, answered: Answer) -> Changed:
    if answered.status == 429:
        seen.memory["late"] = answered
    late: Answer | None = seen.memory.get("late") if answered.status == 200 else None
    return late


@on_answer("security/guessing", "does not say when another proof may be tried", "429", issues=True)
def tells_no_time_to_guess(_: Seen, answered: Answer) -> Changed:
    kept = {name: value for name, value in answered.headers.items() if name.lower() != "retry-after"}
    return replace(answered, headers=kept)


@on_answer("security/guessing", "answers 403 instead of 429 to too many failed proofs", "429", issues=True)
def answers_403_to_guesses(_: Seen, answered: Answer) -> Changed:
    return replace(answered, status=403) if code_of(answered) == "" else None
