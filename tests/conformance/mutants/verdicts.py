"""Wrong gateways: what a verdict says (OFR-038)."""

from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.ways import (
    Document,
    problems_changed,
    way_in,
)


@wrong("OFR-038", "lists warnings before errors")
async def lists_warnings_first(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return problems_changed(answered, lambda known: sorted(known, key=lambda each: each["severity"], reverse=True))


def _lacking(*names: str) -> Any:
    def change(known: list[Document]) -> list[Document]:
        return [{name: each for name, each in one.items() if name not in names} for one in known]

    return change


@wrong("OFR-038", "says what is wrong, and not how to mend it")
async def says_no_fix(seen: Seen, forward: Forward) -> Answer:
    return problems_changed(await forward(seen), _lacking("fix"))


@wrong("OFR-038", "names neither what it expected nor what it found")
async def says_nothing_expected(seen: Seen, forward: Forward) -> Answer:
    return problems_changed(await forward(seen), _lacking("expected", "actual"))


@wrong("OFR-038", "names no requirement and no consequence")
async def names_no_requirement(seen: Seen, forward: Forward) -> Answer:
    return problems_changed(await forward(seen), _lacking("requirement", "consequence"))


@wrong("OFR-038", "writes a place with points, not as a JSON Pointer")
async def points_with_dots(seen: Seen, forward: Forward) -> Answer:
    def dotted(known: list[Document]) -> list[Document]:
        return [{**each, "pointer": each["pointer"].lstrip("/").replace("/", ".")} for each in known]

    return problems_changed(await forward(seen), dotted)


@wrong("OFR-038", "writes a key with a tilde or a slash into a JSON Pointer as it is")
async def escapes_no_pointers(seen: Seen, forward: Forward) -> Answer:
    def plain(known: list[Document]) -> list[Document]:
        return [{**each, "pointer": each["pointer"].replace("~1", "/").replace("~0", "~")} for each in known]

    return problems_changed(await forward(seen), plain)


@wrong("OFR-038", "gives problems of a batch by code only")
async def gives_codes_of_lines(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return problems_changed(answered, _lacking("message", "fix", "pointer")) if way_in(seen) == "batch" else answered


@wrong("OFR-038", "names the first problem of each line of a batch")
async def names_one_problem_of_lines(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return problems_changed(answered, lambda known: known[:1]) if way_in(seen) in {"batch", "snapshot"} else answered


@wrong("OFR-038", "names twenty problems at most")
async def names_twenty_problems(seen: Seen, forward: Forward) -> Answer:
    return problems_changed(await forward(seen), lambda known: known[:20])


@wrong("OFR-038", "leaves warnings out of what it accepts, and of receipts")
async def says_no_warnings_of_accepted(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if answered.status not in {200, 201, 202} or "dry_run" in seen.query:
        return answered
    return problems_changed(answered, lambda known: [each for each in known if each["severity"] == "error"])


@wrong("OFR-038", "judges a dry run by the schema alone")
async def judges_dry_runs_by_schema(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if "dry_run" not in seen.query or not seen.publishes:
        return answered
    rules = {
        "siret-checksum",
        "location-contradictory",
        "week-unreal",
        "hours-reversed",
        "uai-checksum",
        "day-too-long",
    }
    return problems_changed(answered, lambda known: [each for each in known if each["code"] not in rules])


@wrong("OFR-038", "takes a warning of a line in a batch or snapshot for an error")
async def refuses_warned_lines(seen: Seen, forward: Forward) -> Answer:
    def hardened(known: list[Document]) -> list[Document]:
        return [{**each, "severity": "error"} for each in known]

    answered = await forward(seen)
    return problems_changed(answered, hardened) if way_in(seen) in {"batch", "snapshot"} else answered
