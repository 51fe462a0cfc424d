"""Wrong gateways: statistics of others or of before, addresses under the wrong scope, and what follows a first state:
a lifted moderation, a refused key, a refused line.
"""

from collections.abc import Callable
from typing import Any

import schemas
from conformance.clock import today
from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.uploads import code_of, is_snapshot, lines_of, set_of, value_of
from tests.conformance.mutants.views import asker, keep, problem
from tests.conformance.mutants.ways import rows_changed
from tests.conformance.mutants.when import Changed, on_answer

_STATISTICS = "/v1/statistics"
_KEY = "Idempotency-Key"


# ---- Statistics

register("late_states")


def _rows(seen: Seen, answered: Answer) -> list[dict[str, Any]] | None:
    body = answered.json
    found = seen.path == _STATISTICS and answered.status == 200 and isinstance(body, dict)
    return body["statistics"] if found else None


def _counting(
    names: str, name: str, fault: str, change: Callable[[Seen, list[dict[str, Any]]], list[dict[str, Any]]]
) -> None:
    """Register a gateway whose statistics are these."""

    async def answer(seen: Seen, forward: Forward) -> Answer:
        answered = await forward(seen)
        if seen.publishes and "dry_run" in seen.query and answered.status == 422:
            seen.memory.setdefault(asker(seen), []).append(_department(seen.json))
        rows = _rows(seen, answered)
        return answered if rows is None else answered.saying({**answered.json, "statistics": change(seen, rows)})

    answer.__name__ = name
    wrong(names, fault)(answer)


def _department(document: Any) -> str | None:
    location = document.get("location") if isinstance(document, dict) else None
    return str(location.get("postal_code", ""))[:2] if isinstance(location, dict) else None


def _with_dry_runs(seen: Seen, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    tried: list[str | None] = seen.memory.get(asker(seen), [])
    refused = next((row for row in rows if row.get("verdict") == "refused"), None)
    if refused is None or not tried:
        return rows
    if "department" in refused:
        return [*rows, *({**refused, "department": each, "count": tried.count(each)} for each in dict.fromkeys(tried))]
    return [{**row, "count": row["count"] + len(tried)} if row is refused else row for row in rows]


_counting(
    "PUB-003",
    "counts_the_first_rule",
    "counts a document under the first rule that it breaks",
    lambda _, rows: rows if not rows or "rule" not in rows[0] else rows[:1],
)
_counting("PUB-006", "counts_dry_runs", "counts dry runs among the refused documents", _with_dry_runs)
_counting(
    "PUB-003",
    "counts_as_before",
    "gives the statistics of its first minute again",
    lambda seen, rows: seen.memory.setdefault(f"{asker(seen)} {sorted(seen.query.items())}", rows),
)


@wrong("SEC-014", "gives every platform the statistics of all")
async def counts_for_all(seen: Seen, forward: Forward) -> Answer:
    keep(seen)
    answered = await forward(seen)
    rows = _rows(seen, answered)
    if rows is None or asker(seen) == "operateur":
        return answered
    for other, token in seen.memory["tokens"].items():
        theirs = await forward(seen.bearing(authorization=token)) if other not in {asker(seen), "operateur"} else None
        rows = [*rows, *((_rows(seen, theirs) if theirs else None) or [])]
    return answered.saying({**answered.json, "statistics": rows})


@wrong("SEC-014", "gives a platform the statistics of another that it asks for by name")
async def counts_for_who_asks(seen: Seen, forward: Forward) -> Answer:
    keep(seen)
    other = seen.memory.get("tokens", {}).get(seen.query.get("platform"))
    return await forward(seen.bearing(authorization=other) if seen.path == _STATISTICS and other else seen)


# ---- After a moderation
def _moderates(seen: Seen, action: str) -> bool:
    return seen.path.endswith("/moderation") and (seen.json or {}).get("action") == action


@wrong("REV-005", "forgets the last revision when it lifts a moderation, where that was 4 or more")
async def lifts_and_forgets(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if _moderates(seen, "lift") and answered.status in {200, 202}:
        seen.memory[seen.path.removesuffix("/moderation")] = True
    current = (answered.json or {}).get("current") if isinstance(answered.json, dict) else None
    if not (
        seen.publishes
        and answered.status == 409
        and current
        and current["revision"] > 3
        and seen.memory.pop(seen.path, False)
    ):
        return answered
    again = await forward(seen.carrying({**seen.json, "revision": current["revision"] + 1}))
    return again.saying({**again.json, "revision": seen.json["revision"]})


@wrong("WDR-007", "moderates an offer once: what was lifted is never moderated again")
async def moderates_once(seen: Seen, forward: Forward) -> Answer:
    lifted = f"lifted {seen.path}"
    if _moderates(seen, "moderate") and seen.memory.get(lifted):
        return problem(409, "already-moderated")
    answered = await forward(seen)
    if _moderates(seen, "lift") and answered.status in {200, 202}:
        seen.memory[lifted] = True
    return answered


@on_answer("WDR-007", "lifts a second time what was lifted, as if it were moderated")
def lifts_twice(seen: Seen, answered: Answer) -> Changed:
    if _moderates(seen, "lift") and answered.status in {200, 202}:
        seen.memory[seen.path] = answered
    first: Answer | None = seen.memory.get(seen.path)
    return first if _moderates(seen, "lift") and answered.status == 409 else None


@on_answer("WDR-007", "takes a withdrawal above revision 4 for the end of a moderation")
def withdrawals_end_moderations(seen: Seen, answered: Answer) -> Changed:
    if seen.method == "DELETE" and int(seen.query.get("revision", "0") or 0) > 4 and answered.status in {200, 202}:
        seen.memory[seen.path] = True
    ended = seen.publishes and answered.status == 409 and seen.memory.get(seen.path)
    body = {**(answered.json or {}), "verdict": "accepted", "problems": []}
    return json_answer(201, body) if ended and b'"moderated"' in answered.body else None


# ---- A key after a refusal, a count with a refused line
def _forgetting(names: str, name: str, fault: str, ends: Callable[[Answer], bool]) -> None:
    """Register a gateway that forgets a key after such an answer."""

    async def answer(seen: Seen, forward: Forward) -> Answer:
        known = f"{seen.headers.get(_KEY)} {asker(seen)}"
        forgets = _KEY in seen.headers and seen.memory.get(known)
        answered = await forward(seen.bearing(idempotency_key=None) if forgets else seen)
        if _KEY in seen.headers:
            seen.memory[known] = forgets or ends(answered)
        return answered

    answer.__name__ = name
    wrong(names, fault)(answer)


_forgetting(
    "PUB-043",
    "takes_content_after_refusals",
    "takes other content under a key whose first answer was a refusal",
    lambda found: found.status == 422 and "results" in (found.json or {}),
)
_forgetting(
    "PUB-041",
    "forgets_keys_after_other_content",
    "forgets a key once other content came with it",
    lambda found: code_of(found) == "idempotency-reused",
)
_forgetting(
    "PUB-043",
    "confirms_under_the_key",
    "takes the confirmation of a snapshot under the key of the one that it confirms",
    lambda found: code_of(found) == "snapshot-shrinks-too-much",
)


@wrong("PUB-024", "takes a count that leaves refused lines out")
async def counts_accepted_lines(seen: Seen, forward: Forward) -> Answer:
    if not is_snapshot(seen):
        return await forward(seen)
    *lines, last = lines_of(seen) or [b""]
    sound = [line for line in lines if schemas.check(line, on=today()).accepted]
    refused = len(sound) < len(lines) and value_of(last) == {"count": len(sound)}
    return await forward(set_of(seen, lines) if refused else seen)


# ---- Exports
def _exporting(names: str, name: str, fault: str, parameter: str) -> None:
    async def answer(seen: Seen, forward: Forward) -> Answer:
        first = seen.query.get(parameter, "").partition(",")[0]
        exporting = seen.path.startswith("/v1/exports/") and first
        return await forward(seen.asking(**{parameter: first}) if exporting else seen)

    answer.__name__ = name
    wrong(names, fault)(answer)


_exporting("RTE-011", "exports_the_first_level", "exports the first of two levels", "level")
_exporting("RTE-011", "exports_the_first_department", "exports the first of two departments", "department")


@on_answer("RTE-011", "makes no-break spaces plain in the export as CSV", "/v1/exports/csv 200")
def exports_plain_blanks(_: Seen, answered: Answer) -> Changed:
    plain = str.maketrans("\u00a0\u202f", "  ")
    return rows_changed(
        answered, lambda rows: [{name: text.translate(plain) for name, text in row.items()} for row in rows]
    )
