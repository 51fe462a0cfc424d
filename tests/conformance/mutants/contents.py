"""Wrong gateways, second round: documents and what readers get of them (OFR)."""

from itertools import islice
from typing import Any

from tests.conformance.mutants.edits import Document
from tests.conformance.mutants.table import register
from tests.conformance.mutants.ways import reading, rendering


@reading("OFR-006", "refuses a website of more than 255 characters")
def refuses_websites_of_256(offer: Document) -> None:
    if 255 < len(offer["employer"]["website"]) <= 560:
        offer["employer"]["website"] = "https://atelier.example/" + "x" * 560


@reading("OFR-006", "counts a line feed as two characters")
def counts_line_feeds_twice(offer: Document) -> None:
    text = offer["description"]
    if len(text) <= 1500 < len(text) + text.count("\n"):
        offer["description"] = "x" * 1501


@rendering("OFR-018", "knows the regions of before 2016")
def knows_old_regions(entry: Document) -> None:
    old = {"59": "31", "62": "31", "67": "42", "68": "42", "69": "82", "33": "72", "31": "73", "76": "23", "63": "83"}
    department = entry["territory"]["department"]
    if department in old:
        entry["territory"]["region"] = old[department]


@reading("OFR-030", "counts the five days from Monday to Friday only")
def counts_no_weekends(offer: Document) -> None:
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    given = [name for name in names if name in offer["schedule"]]
    for name in islice(reversed(given), max(0, len(given) - 5)):
        if name in {"saturday", "sunday"}:
            del offer["schedule"][name]


@reading("OFR-036", "allows 4,096 bytes of extensions")
def allows_4096_bytes(offer: Document) -> None:
    text = str(offer["extensions"])
    if 4000 < len(text.encode()) <= 4200 and len(offer["extensions"]) == 1:
        offer["extensions"] = {name: {} for name in offer["extensions"]}


@rendering("OFR-036", "sorts the lists of extensions", "changes", "offer")
def sorts_lists_of_extensions(entry: Document) -> None:
    def turned(each: Any) -> Any:
        if isinstance(each, dict):
            return {name: turned(inner) for name, inner in each.items()}
        return sorted(map(turned, each), key=str) if isinstance(each, list) else each

    entry["offer"]["extensions"] = turned(entry["offer"]["extensions"])


register("contents")
