"""Documents as they are sent: one JSON object on a line, with its revision."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeAlias

from passerelle_client.connection import Connection
from passerelle_client.revisions import Revisions

Document: TypeAlias = Mapping[str, Any] | bytes
"""An offer, or a withdrawal (``id``, ``withdrawn``); bytes are one JSON document, sent as it is."""
NDJSON = "application/x-ndjson"
CHUNK = 500
"""Documents of a batch, and of a transaction of the revisions."""
_CHUNK_BYTES = 4 << 20


class Line:
    """One document. ``minted``: its revision is of the file."""

    def __init__(self, given: Document) -> None:
        self.document = _object(given) if isinstance(given, bytes) else dict(given)
        self.raw = given.replace(b"\r", b" ").replace(b"\n", b" ") if isinstance(given, bytes) else _encode(given)
        self.minted = False

    @property
    def id(self) -> str:
        """The offer's id; empty if the document has none."""
        found = self.document.get("id")
        return found if isinstance(found, str) else ""

    def revise(self, revision: int) -> None:
        """Give it a revision of the file."""
        self.document["revision"] = revision
        self.raw, self.minted = _encode(self.document), True


def lines(documents: Iterable[Document], connection: Connection, revisions: Revisions | None) -> Iterator[Line]:
    """Documents as lines; those without a revision get one of the file, 500 at a time. Raises ClientError."""
    waiting = iter(documents)
    while some := [Line(one) for one in islice(waiting, CHUNK)]:
        wanted = [line for line in some if line.id and "revision" not in line.document]
        if revisions is not None and wanted:
            connection.check_clock()
            for line, revision in zip(wanted, revisions.revise([line.document for line in wanted]), strict=True):
                line.revise(revision)
        yield from some


def chunks(found: Iterable[Line]) -> Iterator[list[Line]]:
    """Batches of at most 500 lines and 4 MiB, or of one longer line."""
    chunk: list[Line] = []
    size = 0
    for line in found:
        if chunk and (len(chunk) == CHUNK or size + len(line.raw) > _CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(line)
        size += len(line.raw)
    if chunk:
        yield chunk


def _encode(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _object(raw: bytes) -> dict[str, Any]:
    """The object of a document; empty for anything else, on which the gateway has the verdict."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
