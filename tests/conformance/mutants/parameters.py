"""Gateways that take parameters, or a content, that they should refuse, or refuse them without saying why."""

from dataclasses import replace

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.when import Changed, on_answer

register("parameters")


@wrong("ERR-002", "withdraws without a revision: the next one is meant")
async def guesses_revisions(seen: Seen, forward: Forward) -> Answer:
    if seen.publishes and isinstance(seen.json, dict):
        seen.memory[seen.path] = seen.json.get("revision", 1)
    if seen.method == "DELETE" and "revision" not in seen.query:
        return await forward(seen.asking(revision=str(int(seen.memory.get(seen.path, 1)) + 1)))
    return await forward(seen)


@wrong("ERR-002", "takes a snapshot without a mark: it is taken now")
async def takes_marks_itself(seen: Seen, forward: Forward) -> Answer:
    if seen.path != "/v1/snapshots" or "mark" in seen.query:
        return await forward(seen)
    taken = await forward(replace(seen, path="/v1/snapshots/marks", query={}, body=b"").bearing(content_encoding=None))
    return await forward(seen.asking(mark=taken.json["mark"])) if taken.status == 201 else taken


@on_answer(
    "ERR-002",
    "does not say what is expected of a parameter",
    "@parameter-invalid|@parameter-missing|@parameter-unknown",
)
def tells_no_expectation(seen: Seen, answered: Answer) -> Changed:
    found = {name: value for name, value in answered.json.items() if name not in {"expected", "fix", "nearest"}}
    return answered.saying({**found, "detail": f"{' '.join(seen.query)} ?"})


@on_answer("ERR-002", "does not name the nearest parameter that it knows", "@parameter-unknown")
def names_no_nearest(seen: Seen, answered: Answer) -> Changed:
    found = {name: value for name, value in answered.json.items() if name != "nearest"}
    return answered.saying(
        {**found, "detail": "Paramètre inconnu : " + " ".join(seen.query), "expected": "autre chose"}
    )


@wrong("ERR-001", "takes what it could read of a batch that breaks off amid a line")
async def takes_half_lines(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.path == "/v1/offers/batch" and answered.status in {400, 422} and b"\n" in seen.body.rstrip(b"\n"):
        whole, _, last = seen.body.rstrip(b"\n").rpartition(b"\n")
        return await forward(replace(seen, body=whole + b"\n")) if not last.endswith(b"}") else answered
    return answered
