"""One release's side of a comparison: facts and verdicts over standard input and output, a JSON document a line.

It is the main program of a release's zipapp, and of a working tree: it imports the package ``schemas`` that it finds
first. Its form never changes, since old releases keep theirs: ``{"facts": true}`` is answered with the release's data,
``{"schema", "on", "documents"}`` with ``[accepted, codes of errors]`` for each document. ``activations`` may be beside
them, the day of each release; a release that knows of none ignores it.
"""

import sys
from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson

WIRE = ("submission", "change", "changes-page", "receipt", "batch-result", "problem", "delivery")
"""The schemas that are compared: that of what publishers send, then those of what partners read."""


def facts() -> dict[str, Any]:
    """Schemas, rules of the offer, lists and calendars as data."""
    import schemas  # noqa: PLC0415  # of the release
    from schemas.codelist import LISTS, reference, sectors_by_naf  # noqa: PLC0415
    from schemas.communes import communes_of, known_postcodes  # noqa: PLC0415
    from schemas.packaged import read_json  # noqa: PLC0415
    from schemas.registry import schema_names  # noqa: PLC0415

    ours = {*read_json("catalogue", "offer.json"), *read_json("ending.json")}
    postcodes = {one: [f"{town.code} {town.name}" for town in communes_of(one)] for one in known_postcodes()}
    return {
        "release": schemas.RELEASE,
        "schemas": {name: schemas.schema(name) for name in schema_names()},
        "rules": [
            rule for rule in reference("rules")["items"] if ours & {rule["code"], rule["code"].partition(":")[0]}
        ],
        "lists": {
            **{name: {item["code"]: item for item in reference(name)["items"]} for name in LISTS},
            "naf": sectors_by_naf(),
            "communes": postcodes,
        },
        "calendars": {item["school_year"]: item for item in reference("calendar")["items"]},
        "example": read_json("reference.json")["example"],
    }


def judge(name: str, on: date, document: Any, days: Mapping[str, str]) -> tuple[bool, list[str]]:
    """The verdict on a document: of the gateway if publishers send it, else of the schema."""
    from schemas import check_submission  # noqa: PLC0415
    from schemas.registry import fast_validator  # noqa: PLC0415

    if name != WIRE[0]:
        return fast_validator(name).is_valid(document), []
    activations = {release: date.fromisoformat(day) for release, day in days.items()}
    verdict = check_submission(orjson.dumps(document), on=on, activations=activations)
    codes = {problem.code for problem in verdict.problems if problem.severity == "error"}
    return verdict.accepted, sorted(codes)


def main() -> None:
    """Answer every line."""
    for line in sys.stdin.buffer:
        question = orjson.loads(line)
        if "facts" in question:
            answer: Any = facts()
        else:
            on = date.fromisoformat(question["on"])
            days = question.get("activations", {})
            answer = [judge(question["schema"], on, document, days) for document in question["documents"]]
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
