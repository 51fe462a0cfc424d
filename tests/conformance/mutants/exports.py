"""Gateways whose exports are wrong: not what the list holds, or texts that are more than text."""

import csv
import io
import json
import re
from collections.abc import Callable

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.views import asker, export_answer, export_of


async def _csv(seen: Seen, forward: Forward, change: Callable[[dict[str, str]], object]) -> Answer:
    """The CSV export with every row changed."""
    text = await export_of(seen, forward, "csv")
    if text is None:
        return await forward(seen)
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";"))
    if not rows:
        return export_answer("csv", text)
    names = list(rows[0])
    for row in rows:
        change(row)
    return _written([names, *([row[name] for name in names] for row in rows)])


def _written(rows: list[list[str]]) -> Answer:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL).writerows(rows)
    return export_answer("csv", "\ufeff" + out.getvalue())


def _bare(row: dict[str, str], signs: str, *names: str) -> None:
    """Take the apostrophe away that keeps a text from being a formula."""
    for name in names:
        if row[name][:1] == "'" and row[name][1:2] in tuple(signs):
            row[name] = row[name][1:]


@wrong("RTE-012", "does not double the quotes within a text of the CSV export")
async def does_not_double_quotes(seen: Seen, forward: Forward) -> Answer:
    text = await export_of(seen, forward, "csv")
    return await forward(seen) if text is None else export_answer("csv", re.sub(r'(?<=[^;\n])""(?=[^;\r])', '"', text))


@wrong("RTE-012", "writes the CSV export without quotes: a semicolon ends a text")
async def quotes_nothing(seen: Seen, forward: Forward) -> Answer:
    text = await export_of(seen, forward, "csv")
    return await forward(seen) if text is None else export_answer("csv", text.replace('"', ""))


@wrong("RTE-012", "writes texts as they are into the RSS export")
async def writes_texts_as_markup(seen: Seen, forward: Forward) -> Answer:
    text = await export_of(seen, forward, "rss")
    if text is None:
        return await forward(seen)
    return export_answer("rss", text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))


@wrong("RTE-012", "escapes < but not & in the RSS export")
async def escapes_half_in_rss(seen: Seen, forward: Forward) -> Answer:
    text = await export_of(seen, forward, "rss")
    return await forward(seen) if text is None else export_answer("rss", text.replace("&amp;", "&"))


@wrong("RTE-011", "leaves the last offer out of a CSV export")
async def exports_all_but_the_last_as_csv(seen: Seen, forward: Forward) -> Answer:
    text = await export_of(seen, forward, "csv")
    if text is None:
        return await forward(seen)
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";"))
    return _written(rows[:-1] if len(rows) > 1 else rows)


@wrong("RTE-011", "leaves the last offer out of an RSS export")
async def exports_all_but_the_last_as_rss(seen: Seen, forward: Forward) -> Answer:
    text = await export_of(seen, forward, "rss")
    if text is None:
        return await forward(seen)
    head, *items = text.split("<item>")
    return export_answer("rss", "<item>".join([head, *items[:-1]]) + "</channel></rss>" if items else text)


@wrong("RTE-011", "leaves the last offer out of a JobPosting export")
async def exports_all_but_the_last_as_postings(seen: Seen, forward: Forward) -> Answer:
    text = await export_of(seen, forward, "jobposting")
    if text is None:
        return await forward(seen)
    whole = json.loads(text)
    return export_answer("jobposting", json.dumps({**whole, "@graph": whole["@graph"][:-1]}))


@wrong("RTE-011", "goes on giving the export that it made first")
async def exports_from_a_cache(seen: Seen, forward: Forward) -> Answer:
    if not seen.path.startswith("/v1/exports/") or "If-None-Match" in seen.headers:
        return await forward(seen)
    name = f"{asker(seen)} {seen.path} {sorted(seen.query.items())}"
    if name not in seen.memory:
        answered = await forward(seen)
        if answered.status != 200:
            return answered
        seen.memory[name] = answered
    cached: Answer = seen.memory[name]
    return cached


@wrong("RTE-011", "exports no possible duplicates")
async def exports_no_duplicates(seen: Seen, forward: Forward) -> Answer:
    return await _csv(seen, forward, lambda row: row.update(possible_duplicates=""))


@wrong("RTE-011", "exports withdrawn offers")
async def exports_withdrawn_offers(seen: Seen, forward: Forward) -> Answer:
    text = await export_of(seen, forward, "csv")
    if text is None:
        return await forward(seen)
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";"))
    had = seen.memory.setdefault(f"{asker(seen)} {sorted(seen.query.items())}", {})
    had.update({row[0]: row for row in rows[1:] if row})
    return _written([rows[0], *had.values()])


@wrong("RTE-011", "forgets the offers of the last minute in its exports")
async def exports_what_is_old(seen: Seen, forward: Forward) -> Answer:
    text = await export_of(seen, forward, "csv")
    if text is None:
        if seen.publishes:
            seen.memory.setdefault("new", set()).add(seen.path.removeprefix("/v1/offers/"))
        return await forward(seen)
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";"))
    new = seen.memory.get("new", set())
    return _written([row for row in rows if row and row[0] not in new])


register(
    "exports",
    formulas=lambda signs, *names: lambda seen, forward: _csv(seen, forward, lambda row: _bare(row, signs, *names)),
)
