"""Wrong gateways: what a batch or snapshot is answered, item by item (PUB-016 to PUB-018)."""

import re
from dataclasses import replace
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.uploads import answers_items
from tests.conformance.mutants.ways import Document, waits, way_in


def _said(seen: Seen, answered: Answer, change: Any) -> Answer:
    return answered.saying(change(answered.json)) if answers_items(seen, answered) else answered


def _lacking(body: Document, *names: str) -> Document:
    return {name: each for name, each in body.items() if name not in names}


@wrong("PUB-016", "gives no letters of the statuses")
async def gives_no_statuses(seen: Seen, forward: Forward) -> Answer:
    return _said(seen, await forward(seen), lambda body: _lacking(body, "statuses"))


@wrong("PUB-016", "sorts the letters of the statuses")
async def sorts_statuses(seen: Seen, forward: Forward) -> Answer:
    return _said(seen, await forward(seen), lambda body: {**body, "statuses": "".join(sorted(body["statuses"]))})


@wrong("PUB-016", "gives results of refused items only")
async def gives_refused_results(seen: Seen, forward: Forward) -> Answer:
    def refused(body: Document) -> Document:
        return {**body, "results": [each for each in body["results"] if each["status"] == "refused"]}

    return _said(seen, await forward(seen), refused)


@wrong("PUB-016", "counts the index of a result from 1")
async def counts_results_from_one(seen: Seen, forward: Forward) -> Answer:
    def shifted(body: Document) -> Document:
        return {**body, "results": [{**each, "index": each["index"] + 1} for each in body["results"]]}

    return _said(seen, await forward(seen), shifted)


@wrong("PUB-016", "gives results without their ids")
async def gives_no_ids(seen: Seen, forward: Forward) -> Answer:
    def nameless(body: Document) -> Document:
        return {**body, "results": [_lacking(each, "id") for each in body["results"]]}

    return _said(seen, await forward(seen), nameless)


@wrong("PUB-016", "names a receipt of a refused item")
async def names_receipts_of_refused(seen: Seen, forward: Forward) -> Answer:
    def named(body: Document) -> Document:
        receipt = f"r{'F' * 38}"
        results = [{"receipt": receipt, **each} if each["status"] == "refused" else each for each in body["results"]]
        return {**body, "results": results}

    return _said(seen, await forward(seen), named)


@wrong("PUB-016", "names the list of receipts of a batch that queued nothing")
async def names_receipts_of_nothing(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if answers_items(seen, answered) and answered.status in {200, 422} and "receipts" not in answered.json:
        return answered.saying(
            {**answered.json, "batch": f"b{'A' * 16}", "receipts": f"/v1/receipts?batch=b{'A' * 16}"}
        )
    return answered


@wrong("PUB-016", "names no list of receipts")
async def names_no_list_of_receipts(seen: Seen, forward: Forward) -> Answer:
    return _said(seen, await forward(seen), lambda body: _lacking(body, "receipts"))


@wrong("PUB-016", "gives no results of a snapshot")
async def gives_no_results_of_snapshots(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if answers_items(seen, answered, "snapshot"):
        return answered.saying({**answered.json, "results": [], "statuses": ""})
    return answered


@wrong("PUB-016", "gives the letters of the first hundred items")
async def gives_a_hundred_statuses(seen: Seen, forward: Forward) -> Answer:
    return _said(seen, await forward(seen), lambda body: {**body, "statuses": body["statuses"][:100]})


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


@wrong("PUB-017", "counts no refused items by rule")
async def counts_no_rules(seen: Seen, forward: Forward) -> Answer:
    return _said(seen, await forward(seen), lambda body: {**body, "rules": {}})


@wrong("PUB-017", "counts no warnings")
async def counts_no_warnings(seen: Seen, forward: Forward) -> Answer:
    return _said(seen, await forward(seen), lambda body: {**body, "warnings": {}})


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


@wrong("PUB-017", "gives the problems of refused items among the first thousand of an upload only")
async def gives_problems_of_the_first_thousand(seen: Seen, forward: Forward) -> Answer:
    def limited(body: Document) -> Document:
        results = [_lacking(each, "problems") if each["index"] >= 1000 else each for each in body["results"]]
        return {**body, "results": results}

    return _said(seen, await forward(seen), limited)


@wrong("PUB-017", "says nothing of problems that it leaves out")
async def omits_nothing(seen: Seen, forward: Forward) -> Answer:
    return _said(seen, await forward(seen), lambda body: _lacking(body, "omitted"))


@wrong("PUB-017", "counts rules of the items whose problems it gives")
async def counts_given_rules(seen: Seen, forward: Forward) -> Answer:
    def capped(body: Document) -> Document:
        return {**body, "rules": {code: min(count, 1000) for code, count in body["rules"].items()}}

    return _said(seen, await forward(seen), capped)


@wrong("PUB-017", "gives no problems of what is stale or rejected in a batch that is waited for")
async def gives_no_problems_of_decisions(seen: Seen, forward: Forward) -> Answer:
    def bare(body: Document) -> Document:
        late = {"stale", "rejected"}
        return {
            **body,
            "results": [_lacking(each, "problems") if each["status"] in late else each for each in body["results"]],
        }

    return _said(seen, await forward(seen), bare)


@wrong("PUB-018", "waits for no batch")
async def waits_for_no_batch(seen: Seen, forward: Forward) -> Answer:
    return await forward(seen.bearing(prefer=None) if way_in(seen) == "batch" else seen)


@wrong("PUB-018", "waits for no snapshot")
async def waits_for_no_snapshot(seen: Seen, forward: Forward) -> Answer:
    return await forward(seen.bearing(prefer=None) if way_in(seen) == "snapshot" else seen)


@wrong("PUB-018", "answers 200 to a partial batch with a refused item that is waited for")
async def answers_200_to_waited_parts(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return replace(answered, status=200) if answered.status == 207 and waits(seen) else answered


@wrong("PUB-018", "waits, and gives no verdicts")
async def gives_no_verdicts(seen: Seen, forward: Forward) -> Answer:
    def queued(body: Document) -> Document:
        known = {"accepted", "duplicate", "stale", "rejected"}
        results = [{**each, "status": "queued"} if each["status"] in known else each for each in body["results"]]
        return {**body, "results": results, "statuses": re.sub("[adsj]", "q", body["statuses"])}

    return _said(seen, await forward(seen), queued)


@wrong("PUB-018", "does not say that a batch was waited for")
async def applies_no_preference(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    kept = {name: each for name, each in answered.headers.items() if name.lower() != "preference-applied"}
    return replace(answered, headers=kept) if way_in(seen) in {"batch", "snapshot"} else answered


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
