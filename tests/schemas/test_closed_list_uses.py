"""Every value of every closed list is accepted, stored and put into words wherever it can appear, in both languages."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client import generate_latest

import schemas
from adapters.formats.field import FIELDS, Many, One
from adapters.national.mapping.deliverability import DeliveryTerms
from adapters.national.mapping.mapping import map_offer
from adapters.rendering import renderings
from gateway.api import feeds
from gateway.api.desk import parse_act
from gateway.api.national import MEMBERS
from gateway.cli.sample import render_offer
from gateway.federation.counters import Metrics
from gateway.federation.offers import HistoryFacts
from gateway.mock import seeds
from gateway.operate.transfer.content import MOVED
from gateway.pages.base.texts import texts_of
from gateway.pages.base.wording import plain_value
from gateway.pages.connect.offers import sketch_of
from gateway.pages.journal.model import read_filter
from gateway.pages.partner.history import steps
from gateway.protocol.delivery import QUEUE, Delivery, DeliveryPart, delivery_record, read_delivery
from gateway.protocol.delivery_order import NAMES
from gateway.protocol.record import OfferState, offer_record, utc
from gateway.protocol.statistics import Cell
from gateway.protocol.submission import OUT_OF_SCOPE, REASONS, Known
from gateway.store.statistics import SubmissionCount
from schemas.closed_list import CLOSED_LISTS, closed_list, words
from schemas.contract import asyncapi_document, openapi_document
from schemas.reference_pages import code_lists
from schemas.registry import fast_validator
from schemas.texts import LANGUAGES, Language
from tests.schemas.documents import ON, changed
from tests.schemas.test_closed_lists import LIST_NAMES

Use = Callable[[str, Language], object]
"""Holds for a value in a language, or raises; the result is not empty."""
NOW = 1_796_000_000_000
CASES = Path(__file__).parents[2] / "conformance/cases"


def reference(name: str) -> Use:
    """The page of codes."""

    def is_listed(value: str, language: Language) -> str:
        (listed,) = (one for one in code_lists(language) if one.name == name)
        return next(row[1] for row in listed.rows if row[0] == f"`{value}`")

    return is_listed


def contract(document: Callable[[], Mapping[str, Any]], *path: object) -> Use:
    """The values that a contract lists."""

    def is_listed(value: str, _: Language) -> bool:
        part: Any = document()
        for step in path:
            part = part[step]
        assert value in (part.get("enum") or part.get("examples") or part["x-extensible-enum"])
        return True

    return is_listed


def gone(value: str) -> OfferState:
    known = Known(revision=1, digest="ab", sequence=1, position=0, appended_at=NOW, reason=value)
    return OfferState("bretagne:a", known, offer=None, territory=None)


def history(facts: HistoryFacts, language: Language) -> list[str]:
    """The title and text of each step, on the page of the platform."""
    texts = texts_of("partner", language)
    found = [text for one in steps(facts, language) for text in (f"step_{one.name}", f"step_{one.name}_text")]
    assert [] == [key for key in found if key not in texts]
    return found


def withdrawn_step(value: str, language: Language) -> list[str]:
    receipt = {"receipt": "r", "id": "bretagne:a", "publisher": "bretagne", "verdict": "accepted", "at": utc(NOW)}
    receipts = [{**receipt, "revision": 1, "sequence": 1, "problems": ()}]
    facts = HistoryFacts(state=gone(value), receipts=receipts, delivery=None, duplicates=(), more=False)
    return history(facts, language)


def delivery_step(value: str, language: Language) -> list[str]:
    part = DeliveryPart(group="lycee", generation=1, account="a", state=value, since=NOW)
    delivery = Delivery(id="bretagne:a", sequence=1, parts=(part,))
    record = delivery_record(delivery)
    assert delivery == read_delivery(record.key or b"", record.value or b"")
    return history(HistoryFacts(state=None, receipts=[], delivery=delivery, duplicates=(), more=False), language)


def page_text(folder: str, key: str) -> Use:
    """A text under a key with the value, whose signs are underlines there."""
    return lambda value, language: str(texts_of(folder, language)(key.format(re.sub("[^a-z]", "_", value)), n=2))


def exported(value: str, _: Language) -> object:
    (offers,) = (one for one in MOVED if one.topic == "offers")
    return offers.admit(offer_record(gone(value)))


def accepted(document: Mapping[str, Any]) -> bool:
    verdict = schemas.check_submission(orjson.dumps(document), on=ON)
    assert verdict.accepted, verdict.problems
    return True


def read(field: str) -> Use:
    """A feed that writes the value's word."""

    def is_read(value: str, language: Language) -> bool:
        reader, text = FIELDS[field], value if value == "unknown" else words(field)[value][language]
        if isinstance(reader, Many):
            return bool(reader.read([text]) == [value])
        return isinstance(reader, One) and bool(reader.read(text) == value)

    return is_read


def in_cases(value: str, _: Language) -> bool:
    """A case of the kit has it."""
    return any(f'"{value}"' in path.read_text(encoding="utf-8") for path in CASES.rglob("*.json"))


def parameter(path: str, method: str, name: str) -> Use:
    """A parameter of the HTTP contract."""

    def is_listed(value: str, _: Language) -> bool:
        document = openapi_document()
        shared = document["components"]["parameters"]
        listed = document["paths"][path][method]["parameters"]
        whole = [shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in listed]
        (part,) = (one["schema"] for one in whole if one["name"] == name)
        return value in part.get("items", part)["enum"]

    return is_listed


def component(name: str, *path: str) -> Use:
    return contract(openapi_document, "components", "schemas", name, *path)


def counted(value: str, _: Language) -> bool:
    return f'verdict="{value}"' in generate_latest(Metrics().registry).decode()


def withdraws(value: str, _: Language) -> bool:
    return accepted({"id": "bretagne:a", "revision": 2, "withdrawn": value})


def is_change(value: str, _: Language) -> bool:
    return fast_validator("change").is_valid({"op": "removal", "id": "bretagne:a", "sequence": 1, "reason": value})


def levels_of(value: str) -> dict[str, Any]:
    return {"levels": [value], "weeks": ["2027-W24"], "stay_weeks": 1}


def at_the_site(value: str, _: Language) -> object:
    offer = schemas.check(orjson.dumps(changed(**levels_of(value))), on=ON).offer
    assert offer is not None
    return map_offer(offer, on=ON, terms=DeliveryTerms())


def printed(name: str, of: Callable[[str], object]) -> Use:
    """The preview of a feed's offer in a terminal."""

    def is_printed(value: str, language: Language) -> bool:
        offer = dict.fromkeys(("id", "title", "company", "place", "apply_url", "sector", "sector_code"), "")
        written = render_offer({**offer, "weeks": [], "levels": [], name: of(value)}, language).plain
        return words(name)[value][language] in written

    return is_printed


def sketched(value: str, language: Language) -> bool:
    """The preview of a feed's offer on the page that connects it."""
    texts = dict.fromkeys(("title", "description", "employer", "city", "postal_code", "sector", "apply_url"), "")
    lists: dict[str, Any] = {name: [] for name in ("levels", "weeks", "waits", "errors")}
    sketch = sketch_of(
        {**texts, **lists, "number": 1, "state": "published", "further": {"accessibility": value}}, {}, language
    )
    return words("accessibility")[value][language] in [text for _, text, _ in sketch["pairs"]]


USES: Mapping[str, Mapping[str, Use]] = {
    "levels": {
        "verdict": lambda value, _: accepted(changed(**levels_of(value))),
        "parameter of the API": parameter("/v1/offers", "get", "level"),
        "feeds": read("levels"),
        "command": printed("levels", lambda value: [value]),
        "page connect": page_text("connect", "level_{}"),
        "national site": at_the_site,
        "case": in_cases,
    },
    "accessibility": {
        "verdict": lambda value, _: accepted(changed(accessibility=value)),
        "feeds": read("accessibility"),
        "pages of an offer": lambda value, language: plain_value("accessibility", value, language),
        "page connect": page_text("connect", "choice_{}"),
        "command": printed("accessibility", str),
        "preview on the page connect": sketched,
        "case": in_cases,
    },
    "withdrawn": {
        "verdict": withdraws,
        "parameter of the API": parameter("/v1/offers/{id}", "delete", "reason"),
        "event": contract(asyncapi_document, "components", "schemas", "Withdrawal", "properties", "reason"),
        "log": lambda value, _: value in REASONS,
        "problem": lambda value, language: schemas.catalogue()[f"withdrawn-{value}"].message[language],
        "mock": lambda value, _: value == "expired" or value in seeds.MOVES,
        "case": in_cases,
    },
    "removal": {
        "change": is_change,
        "contract": contract(openapi_document, "components", "schemas", "RemovalReason"),
        "export and import": lambda value, _: value == OUT_OF_SCOPE or exported(value, _),
        "history of an offer": lambda value, language: value == OUT_OF_SCOPE or withdrawn_step(value, language),
        "page of a platform": lambda value, language: (
            value == OUT_OF_SCOPE or page_text("partner", "gone_{}")(value, language)
        ),
        "page of the operator": lambda value, language: (
            value == OUT_OF_SCOPE or page_text("moderation", "gone_{}")(value, language)
        ),
        "mock": lambda value, _: value == "expired" or value in seeds.MOVES,
        "case": in_cases,
    },
    "verdict": {
        "page of a platform": lambda value, language: (
            value in {"pending", "accepted"} or page_text("partner", "step_{}")(value, language)
        ),
        "case": in_cases,
    },
    "status": {"case": in_cases},
    "delivery": {
        "log and history of an offer": delivery_step,
    },
}


USES_OF_PLAIN: Mapping[str, Mapping[str, Use]] = {
    "act": {
        "parameter of the API": component("ActName"),
        "page of the journal": page_text("journal", "act_{}"),
        "filter of the journal": lambda value, _: read_filter({"act": value}, {}).wrong == [],
    },
    "call": {"log": lambda value, _: value in QUEUE, "page of the national site": page_text("national", "queue_{}")},
    "counted": {"parameter of the API": component("Count", "properties", "verdict")},
    "current_delivery": {
        "deliveries of a platform": page_text("partner", "state_{}"),
        "deliveries of the operator": page_text("national", "state_{}"),
    },
    "decided": {"parameter of the API": parameter("/v1/receipts", "get", "verdict"), "metrics": counted},
    "dimension": {
        "parameter of the API": parameter("/v1/statistics", "get", "group"),
        "counts": lambda value, _: value in Cell._fields and value in SubmissionCount.__slots__,
    },
    "export_format": {
        "parameter of the API": parameter("/v1/exports/{format}", "get", "format"),
        "rendering": lambda value, _: value in renderings("https://example.org"),
    },
    "feed_action": {
        "API": lambda value, _: parse_act(orjson.dumps({"action": value}), feeds._MEMBERS),
        "page of the systems": page_text("systems", "{}"),
    },
    "national_order": {"API": lambda value, _: value in MEMBERS, "log": lambda value, _: value in NAMES.values()},
    "reference_list": {
        "parameter of the API": parameter("/v1/reference/{list}", "get", "list"),
        "document": lambda value, _: schemas.reference(value),
    },
    "role": {"page of a platform": page_text("partners", "role_{}")},
    "scopes": {
        "contract": component("Scope"),
        "page of a platform": page_text("partners", "scope_{}"),
    },
    "system": {"contract": component("PlatformStatus", "properties", "kind")},
}
"""Lists without texts in the reference."""

EVERYWHERE = [
    pytest.param(holds, value, language, id=f"{name}-{value}-{use}-{language}")
    for name in LIST_NAMES
    for use, holds in {
        **{**USES, **USES_OF_PLAIN}.get(name, {}),
        **({"reference": reference(name)} if name in CLOSED_LISTS else {}),
    }.items()
    for value in closed_list(name)
    for language in LANGUAGES
]


@pytest.mark.parametrize(("holds", "value", "language"), EVERYWHERE)
def test_every_value_is_known_everywhere(holds: Use, value: str, language: Language) -> None:
    assert holds(value, language)
