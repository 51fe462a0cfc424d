"""Wrong gateways: what a batch or snapshot is answered, item by item (PUB-016 to PUB-018)."""

from collections import Counter

from tests.conformance.mutants.proxy import Answer, Seen
from tests.conformance.mutants.table import register
from tests.conformance.mutants.when import Changed, on_answer

register("results")


@on_answer("PUB-016", "sorts the letters of the statuses", "items")
def sorts_statuses(_: Seen, answered: Answer) -> Changed:
    return answered.saying({**answered.json, "statuses": "".join(sorted(answered.json["statuses"]))})


@on_answer("PUB-017", "counts problems by rule, not the items that have them", "items")
def counts_problems(_: Seen, answered: Answer) -> Changed:
    bad = [each for each in answered.json["results"] if each["status"] in {"refused", "stale", "rejected"}]
    rules = Counter(one["code"] for each in bad for one in each.get("problems", ()) if one["severity"] == "error")
    return answered.saying({**answered.json, "rules": rules})


@on_answer("PUB-017", "counts the warnings of items that it refuses only", "items")
def counts_warnings_of_refused(_: Seen, answered: Answer) -> Changed:
    found = [each.get("problems", ()) for each in answered.json["results"] if each["status"] == "refused"]
    warned = Counter(code for all_ in found for code in {one["code"] for one in all_ if one["severity"] == "warning"})
    return answered.saying({**answered.json, "warnings": warned})


@on_answer("PUB-017", "gives the problems of the first hundred refused items", "items")
def gives_a_hundred_problems(_: Seen, answered: Answer) -> Changed:
    bad = {each["index"] for each in [one for one in answered.json["results"] if one["status"] == "refused"][100:]}
    results = [
        {name: value for name, value in each.items() if name != "problems" or each["index"] not in bad}
        for each in answered.json["results"]
    ]
    return answered.saying({**answered.json, "results": results})


@on_answer("PUB-018", "answers a snapshot before its withdrawals are decided", "snapshot waits items 200")
def forgets_withdrawals_of_snapshots(_: Seen, answered: Answer) -> Changed:
    return answered.saying({**answered.json, "pending": answered.json["withdrawn"]})


@on_answer("PUB-018", "gives every item of a batch the verdict of its first one", "batch waits items 200")
def repeats_the_first_verdict(_: Seen, answered: Answer) -> Changed:
    first = answered.json["results"][0]["status"]
    results = [{**each, "status": first} for each in answered.json["results"]]
    return answered.saying({**answered.json, "results": results, "statuses": first[0] * len(results)})
