"""Exports: the offers of a list as CSV, JobPosting or RSS, with the fields that every reader needs."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import orjson

Document = Mapping[str, Any]
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠", "'")
_COLUMNS = ("title", "description", "postal_code", "city", "levels", "weeks", "sector", "apply_url", "expires_on")


@dataclass(frozen=True, slots=True)
class Rendering:
    """One format: its media type, the extension of a file, and the bytes of a list."""

    media_type: str
    extension: str
    write: Callable[[Sequence[Document]], bytes]


def _table(documents: Sequence[Document]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(("id", "sequence", *_COLUMNS))
    for document in documents:
        facts = {**document["offer"], **document["offer"]["location"]}
        writer.writerow((document["id"], document["sequence"], *(_cell(facts[name]) for name in _COLUMNS)))
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _cell(value: Any) -> str:
    """A text that no spreadsheet reads as a formula (RTE-012)."""
    text = " ".join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_FORMULA) else text


def _postings(documents: Sequence[Document]) -> bytes:
    graph = [_posting(each) for each in documents]
    written = orjson.dumps({"@context": "https://schema.org", "@graph": graph})
    return written.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")


def _posting(document: Document) -> dict[str, Any]:
    offer = document["offer"]
    return {
        "@type": "JobPosting",
        "identifier": {"@type": "PropertyValue", "name": document["provenance"][0], "value": document["id"]},
        "title": offer["title"],
        "description": offer["description"],
        "validThrough": offer["expires_on"],
        "employmentType": "INTERN",
        "url": offer["apply_url"],
    }


def _feed(documents: Sequence[Document]) -> bytes:
    items = "".join(_item(each) for each in documents)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0">\n<channel>\n<title>Passerelle</title>\n'
    return f"{head}<link>/</link>\n<description>Passerelle</description>\n{items}</channel>\n</rss>\n".encode()


def _item(document: Document) -> str:
    offer = document["offer"]
    texts = {"title": offer["title"], "link": offer["apply_url"], "description": escape(offer["description"])}
    elements = "".join(f"<{name}>{escape(text)}</{name}>\n" for name, text in texts.items())
    return f'<item>\n<guid isPermaLink="false">{escape(document["id"])}</guid>\n{elements}</item>\n'


RENDERINGS: Mapping[str, Rendering] = {
    "csv": Rendering("text/csv; charset=utf-8; header=present", "csv", _table),
    "jobposting": Rendering("application/ld+json", "jsonld", _postings),
    "rss": Rendering("application/rss+xml; charset=utf-8", "rss", _feed),
}
