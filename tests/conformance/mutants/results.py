"""Wrong gateways: what a batch or snapshot is answered, item by item (PUB-016 to PUB-018)."""

from typing import Any

from tests.conformance.mutants.edits import Document
from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.uploads import answers_items
from tests.conformance.mutants.ways import waits

register("results")


def _said(seen: Seen, answered: Answer, change: Any) -> Answer:
    return answered.saying(change(answered.json)) if answers_items(seen, answered) else answered


def _lacking(body: Document, *names: str) -> Document:
    return {name: each for name, each in body.items() if name not in names}


@wrong("PUB-016", "sorts the letters of the statuses")
async def sorts_statuses(seen: Seen, forward: Forward) -> Answer:
    return _said(seen, await forward(seen), lambda body: {**body, "statuses": "".join(sorted(body["statuses"]))})


@wrong("PUB-017", "counts problems by rule, not the items that have them")
async def counts_problems(seen: Seen, forward: Forward) -> Answer:
    def counted(body: Document) -> Document:
        rules: dict[str, int] = {}
        for each in body["results"]:
            for one in each.get("problems", ()) if each["status"] in {"refused", "stale", "rejected"} else ():
                if one["severity"] == "error":
                    rules[one["code"]] = rules.get(one["code"], 0) + 1
        return {**body, "rules": rules}

    return _said(seen, await forward(seen), counted)


@wrong("PUB-017", "counts the warnings of items that it refuses only")
async def counts_warnings_of_refused(seen: Seen, forward: Forward) -> Answer:
    def counted(body: Document) -> Document:
        warnings: dict[str, int] = {}
        for each in body["results"]:
            if each["status"] == "refused":
                for code in {one["code"] for one in each.get("problems", ()) if one["severity"] == "warning"}:
                    warnings[code] = warnings.get(code, 0) + 1
        return {**body, "warnings": warnings}

    return _said(seen, await forward(seen), counted)


@wrong("PUB-017", "gives the problems of the first hundred refused items")
async def gives_a_hundred_problems(seen: Seen, forward: Forward) -> Answer:
    def limited(body: Document) -> Document:
        bad = [each["index"] for each in body["results"] if each["status"] == "refused"][100:]
        results = [_lacking(each, "problems") if each["index"] in set(bad) else each for each in body["results"]]
        return {**body, "results": results}

    return _said(seen, await forward(seen), limited)


@wrong("PUB-018", "answers a snapshot before its withdrawals are decided")
async def forgets_withdrawals_of_snapshots(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if answers_items(seen, answered, "snapshot") and waits(seen) and answered.status == 200:
        seen.memory["late"] = seen.memory.get("late", 0) + 1
        return answered.saying({**answered.json, "pending": answered.json["withdrawn"]})
    return answered


@wrong("PUB-018", "gives every item of a batch the verdict of its first one")
async def repeats_the_first_verdict(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if not (answers_items(seen, answered, "batch") and waits(seen) and answered.status == 200):
        return answered
    first = answered.json["results"][0]["status"]
    results = [{**each, "status": first} for each in answered.json["results"]]
    return answered.saying({**answered.json, "results": results, "statuses": first[0] * len(results)})
