"""Wrong gateways: types, limits, ranges and lists of a document (OFR-005 to OFR-009, OFR-039)."""

import re

import schemas
from tests.conformance.mutants.edits import TEXTS, Document, value_at
from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.ways import put, reading, rows_changed, texts_changed

register("values")


@reading("OFR-005", "takes null for a field that is left out")
def takes_null_for_unknown(offer: Document) -> None:
    required = schemas.schema("offer")["required"]
    for name in [name for name, each in offer.items() if each is None and name not in required]:
        del offer[name]


@reading("OFR-005", "takes null in the employer, the location and the schedule for a field that is left out")
def takes_nested_null_for_unknown(offer: Document) -> None:
    for part in ("employer", "location", "schedule", "restrictions", "redistribution"):
        for name in [name for name, each in (offer.get(part) or {}).items() if each is None]:
            if name not in {"name", "city", "postal_code"}:
                del offer[part][name]


@reading("OFR-006", "counts texts in bytes")
def counts_bytes(offer: Document) -> None:
    for pointer, limit in zip(TEXTS, (150, 1500, 150, 275, 200, 50, 250), strict=True):
        text = value_at(offer, pointer)
        if isinstance(text, str) and len(text.encode()) > limit >= len(text):
            put(offer, pointer, "x" * (limit + 1))


@reading("OFR-006", "counts what a reader takes for one sign as one")
def counts_graphemes(offer: Document) -> None:
    def joined(text: str) -> str:
        return re.sub("(?:\u200d[\U0001f000-\U0001ffff\u2600-\u27bf]\ufe0f?)|[\U0001f3fb-\U0001f3ff]|\ufe0f", "", text)

    limits = zip(TEXTS, (150, 1500, 150, 275, 200, 50, 250), strict=True)
    texts_changed(offer, joined, *(pointer for pointer, limit in limits if len(str(value_at(offer, pointer))) > limit))


@wrong("OFR-006", "cuts descriptions in the export as CSV at 255 characters")
async def cuts_descriptions_of_the_csv(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.path == "/v1/exports/csv" and answered.status == 200:
        return rows_changed(answered, lambda rows: [{**row, "description": row["description"][:255]} for row in rows])
    return answered


@reading("OFR-006", "limits an apply_url to 191 characters")
def limits_addresses_to_191(offer: Document) -> None:
    if 191 < len(offer["apply_url"]) <= 200:
        offer["apply_url"] = "https://atelier.example/" + "x" * 200
