"""What partners read is open: further members everywhere, further values in the lists that are open (EVO-001)."""

from collections.abc import Iterator
from typing import Any

import pytest

import schemas
from schemas.contract import asyncapi_document, openapi_document
from tests.schemas.documents import WHOLE

OPEN_LISTS = {"reason", "ce_reason", "code", "flags", "act", "action"}


def parts_of_answers() -> Iterator[tuple[str, Any]]:
    """Each part of an answer's schema with its address, over references."""
    openapi, asyncapi = openapi_document(), asyncapi_document()
    for path, item in openapi["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield from _parts(operation["responses"], f"{method} {path}", openapi, set())
    for name, message in asyncapi["components"]["messages"].items():
        if name.startswith("Feed"):
            yield from _parts(message, name, asyncapi, set())


def _parts(value: Any, at: str, document: Any, seen: set[str]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        for item in value:
            yield from _parts(item, at, document, seen)
    elif isinstance(value, dict):
        yield at, value
        if isinstance(reference := value.get("$ref"), str) and reference not in seen:
            seen.add(reference)
            target = document
            for step in reference.removeprefix("#/").split("/"):
                target = target[step]
            yield from _parts(target, f"{at} {reference}", document, seen)
        for name, member in value.items():
            if name not in {"example", "examples"}:
                yield from _parts(member, f"{at}/{name}", document, seen)


def test_no_answer_is_closed_to_further_members() -> None:
    """[EVO-001]: all but the claims of a certificate, which are what was signed (CER-002)."""
    parts = list(parts_of_answers())
    assert len(parts) > 1_000
    closed = [at for at, part in parts if part.get("additionalProperties") is False]
    assert [] == [at for at in closed if "/Certificate" not in at]


def test_no_open_list_is_closed_to_further_values() -> None:
    """[EVO-001]: reasons, codes, flags and acts."""
    closed = [
        f"{at}: {name}"
        for at, part in parts_of_answers()
        for name, member in part.get("properties", {}).items()
        if name in OPEN_LISTS and {"enum", "const"} & {*member, *member.get("items", {})}
    ]
    assert [] == closed


def later(value: Any) -> Any:
    """A document with a further member in each object, at every depth."""
    if isinstance(value, list):
        return [later(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {**{name: later(member) for name, member in value.items()}, "later": {"deep": [None]}}


UPSERT: dict[str, Any] = {
    "op": "upsert",
    "id": "bretagne:1",
    "sequence": 1,
    "offer": WHOLE | {"stay_weeks": 2, "expires_on": "2027-06-27"},
    "territory": {"department": "35", "region": "53", "academie": "rennes"},
    "provenance": ["bretagne"],
}
REMOVAL = {"op": "removal", "id": "bretagne:1", "sequence": 1, "reason": "of-a-later-version"}
RECEIPT = {
    "receipt": "r" + "A" * 20,
    "id": "bretagne:1",
    "publisher": "bretagne",
    "verdict": "accepted",
    "position": "submissions/0/0",
    "at": "2027-01-15T08:00:00.000Z",
    "schema_version": "1.0",
    "rules_version": "2026.11",
    "problems": [schemas.problem("personal-data", pointer="/title").to_json()],
    "moderation": {"action": "of-a-later-version", "reason": "x"},
    "current": {"revision": 1, "sequence": 1},
    "message": {"sha256": "a" * 64, "bytes": 1},
}


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("change", UPSERT | {"flags": ["of-a-later-version"]}),
        ("change", REMOVAL),
        ("changes-page", {"changes": [UPSERT, REMOVAL], "cursor": "c", "fresh": 1, "more": False}),
        ("receipt", RECEIPT),
    ],
    ids=["upsert", "removal", "page", "receipt"],
)
def test_a_reader_of_this_version_takes_what_a_later_one_adds(name: str, document: Any) -> None:
    """[EVO-001]: further members at every depth, unknown reasons, flags and acts."""
    assert [] == [error.message for error in schemas.validator(name).iter_errors(later(document))]


@pytest.mark.parametrize("wrong", [{"title": "x" * 151}, {"levels": ["licence"]}, {"location": {"city": "Rennes"}}])
def test_a_known_member_of_a_change_keeps_its_form(wrong: dict[str, Any]) -> None:
    """The schema of a change follows the offer's: its limits, lists and compulsory members."""
    assert [] != list(schemas.validator("change").iter_errors(UPSERT | {"offer": UPSERT["offer"] | wrong}))


def test_an_offer_without_its_employer_is_a_valid_change() -> None:
    """[RTE-005]: the employer's name is compulsory where it is published, not where it is hidden."""
    hidden = UPSERT | {"offer": UPSERT["offer"] | {"employer": {}}}
    assert [] == list(schemas.validator("change").iter_errors(hidden))
