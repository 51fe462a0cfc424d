"""Feeds for tests: a mapping of flat items, items that follow it, and ways to read them."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from xml.sax.saxutils import escape

from adapters.formats.item import BrokenItem, FeedComplete, FeedUnusable, Item, OfferItem
from adapters.formats.mapping import FeedMapping, load_mapping
from adapters.formats.reading import read

ON = date(2026, 11, 24)
PLATFORM = "bretagne"

FIELDS: Mapping[str, Any] = {
    "title": {"path": "title"},
    "description": {"path": "description", "html": True},
    "employer.name": {"path": "employer"},
    "location.postal_code": {"path": "zip"},
    "location.city": {"path": "city"},
    "levels": {"path": "levels"},
    "weeks": {"path": "weeks"},
    "sector": {"path": "sector"},
    "apply_url": {"path": "url"},
}
SOURCES: Mapping[str, Mapping[str, Any]] = {"xml": {"items": "offers/offer"}, "json": {}, "csv": {}}
FORMS = tuple(SOURCES)


def row(number: int = 1, **changes: str) -> dict[str, str]:
    """A sound item; ``changes`` replace its values."""
    return {
        "id": f"S-{number}",
        "title": "Découverte d'un atelier",
        "description": "<p>Observer la fabrication d'un meuble.</p>",
        "employer": "Atelier du Port",
        "zip": "35000",
        "city": "Rennes",
        "levels": "2de",
        "weeks": "14/06/2027 - 25/06/2027",
        "sector": "s5",
        "url": f"https://stages.ideo.bretagne.bzh/offres/{number}",
        **changes,
    }


def xml(rows: Iterable[Mapping[str, str]]) -> str:
    inner = "".join(
        "<offer>" + "".join(f"<{name}>{escape(value)}</{name}>\n" for name, value in row.items()) + "</offer>\n"
        for row in rows
    )
    return f"<offers>\n{inner}</offers>\n"


def csv(rows: Iterable[Mapping[str, str]], separator: str = ";") -> str:
    listed = list(rows)
    lines = [list(listed[0]), *(list(row.values()) for row in listed)]
    return "".join(separator.join(quoted(cell) for cell in line) + "\r\n" for line in lines)


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def written(form: str, rows: Iterable[Mapping[str, str]]) -> bytes:
    """The rows as a feed in UTF-8."""
    match form:
        case "xml":
            return xml(rows).encode()
        case "csv":
            return csv(rows).encode()
    return json.dumps(list(rows), ensure_ascii=False).encode()


def load(form: str, document: object = None) -> FeedMapping:
    """A mapping that must be sound."""
    mapping = load_mapping(form, document)
    assert isinstance(mapping, FeedMapping), [problem.to_json() for problem in mapping]
    return mapping


def flat(
    form: str, *, source: Mapping[str, Any] | None = None, fields: Mapping[str, Any] | None = None, **more: Any
) -> FeedMapping:
    """The mapping of flat items, with changes."""
    return load(
        form,
        {
            "source": {**SOURCES[form], **(source or {})},
            "id": {"path": "id"},
            "fields": {**FIELDS, **(fields or {})},
            **more,
        },
    )


def loose(form: str) -> FeedMapping:
    """The mapping of flat items of which only the id is needed."""
    return flat(form, fields={name: {**rule, "optional": True} for name, rule in FIELDS.items()})


def items(content: bytes | Iterable[bytes], mapping: FeedMapping) -> list[Item]:
    """All items of a feed."""
    return list(read([content] if isinstance(content, bytes) else content, mapping, platform=PLATFORM, on=ON))


def offers(content: bytes | Iterable[bytes], mapping: FeedMapping) -> list[OfferItem]:
    """The offers of a feed that must be whole and hold nothing else."""
    *found, end = items(content, mapping)
    assert isinstance(end, FeedComplete), end
    assert [one for one in found if not isinstance(one, OfferItem)] == []
    return [one for one in found if isinstance(one, OfferItem)]


def only(content: bytes, mapping: FeedMapping) -> OfferItem:
    """The one offer of a feed."""
    [offer] = offers(content, mapping)
    return offer


def codes(item: Item) -> list[str]:
    """The codes of an item's problems."""
    match item:
        case OfferItem() | BrokenItem() | FeedComplete() | FeedUnusable():
            return [problem.code for problem in item.problems]
    return []


def unusable(content: bytes, mapping: FeedMapping) -> str:
    """The reason why a feed is unusable, which it must be."""
    end = items(content, mapping)[-1]
    assert isinstance(end, FeedUnusable), end
    return end.problems[0].code
