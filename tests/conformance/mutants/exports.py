"""Gateways whose exports are wrong: not what the list holds, or texts that are more than text."""

import csv
import io
import json
import re
from collections.abc import Callable

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.views import asker, export_answer, export_of
from tests.conformance.mutants.when import on_export


def _rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";"))


async def _csv(seen: Seen, forward: Forward, change: Callable[[dict[str, str]], object]) -> Answer:
    """The CSV export with every row changed."""
    text = await export_of(seen, forward, "csv")
    if text is None:
        return await forward(seen)
    names, *rows = _rows(text)
    changed = [dict(zip(names, row, strict=True)) for row in rows]
    for row in changed:
        change(row)
    return export_answer("csv", _written([names, *(list(row.values()) for row in changed)]))


def _written(rows: list[list[str]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL).writerows(rows)
    return "\ufeff" + out.getvalue()


def _bare(row: dict[str, str], signs: str, *names: str) -> None:
    """Take the apostrophe away that keeps a text from being a formula."""
    for name in names:
        if row[name][:1] == "'" and row[name][1:2] in tuple(signs):
            row[name] = row[name][1:]


@on_export("RTE-012", "does not double the quotes within a text of the CSV export", "csv")
def does_not_double_quotes(_: Seen, text: str) -> str:
    return re.sub(r'(?<=[^;\n])""(?=[^;\r])', '"', text)


@on_export("RTE-012", "writes the CSV export without quotes: a semicolon ends a text", "csv")
def quotes_nothing(_: Seen, text: str) -> str:
    return text.replace('"', "")


@on_export("RTE-012", "writes texts as they are into the RSS export", "rss")
def writes_texts_as_markup(_: Seen, text: str) -> str:
    return text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")


@on_export("RTE-012", "escapes < but not & in the RSS export", "rss")
def escapes_half_in_rss(_: Seen, text: str) -> str:
    return text.replace("&amp;", "&")


@on_export("RTE-011", "leaves the last offer out of a CSV export", "csv")
def exports_all_but_the_last_as_csv(_: Seen, text: str) -> str:
    names, *rows = _rows(text)
    return _written([names, *rows[:-1]])


@on_export("RTE-011", "leaves the last offer out of an RSS export", "rss")
def exports_all_but_the_last_as_rss(_: Seen, text: str) -> str:
    head, *items = text.split("<item>")
    return "<item>".join([head, *items[:-1]]) + "</channel></rss>" if items else text


@on_export("RTE-011", "leaves the last offer out of a JobPosting export", "jobposting")
def exports_all_but_the_last_as_postings(_: Seen, text: str) -> str:
    whole = json.loads(text)
    return json.dumps({**whole, "@graph": whole["@graph"][:-1]})


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


@on_export("RTE-011", "exports withdrawn offers", "csv")
def exports_withdrawn_offers(seen: Seen, text: str) -> str:
    names, *rows = _rows(text)
    had = seen.memory.setdefault(f"{asker(seen)} {sorted(seen.query.items())}", {})
    had.update({row[0]: row for row in rows if row})
    return _written([names, *had.values()])


@wrong("RTE-011", "forgets the offers of the last minute in its exports")
async def exports_what_is_old(seen: Seen, forward: Forward) -> Answer:
    new = seen.memory.setdefault("new", set())
    if seen.publishes:
        new.add(seen.path.removeprefix("/v1/offers/"))
    text = await export_of(seen, forward, "csv")
    if text is None:
        return await forward(seen)
    return export_answer("csv", _written([row for row in _rows(text) if row and row[0] not in new]))


register(
    "exports",
    formulas=lambda signs, *names: lambda seen, forward: _csv(seen, forward, lambda row: _bare(row, signs, *names)),
)
