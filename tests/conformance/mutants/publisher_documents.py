"""Wrong publishers: documents that the protocol page rules out."""

import time
from typing import Any

import orjson

from tests.conformance.mutants.partners import wrong
from tests.conformance.partner_fixtures import Publisher


@wrong("OFR-001", "sends Latin-1")
class SendsLatin1(Publisher):
    def encode(self, body: Any) -> bytes:
        return orjson.dumps({**body, "title": f"Découverte : {body['title']}"}).decode().encode("latin-1", "replace")


@wrong("OFR-001", "begins its documents with a byte order mark")
class SendsByteOrderMarks(Publisher):
    def encode(self, body: Any) -> bytes:
        return b"\xef\xbb\xbf" + super().encode(body)


@wrong("OFR-002", "writes the revision twice")
class WritesMembersTwice(Publisher):
    def encode(self, body: Any) -> bytes:
        return b'{"revision":1,' + super().encode(body)[1:]


@wrong("OFR-002", "counts revisions in nanoseconds, beyond 2^53")
class CountsNanoseconds(Publisher):
    def next_revision(self, _offer_id: str, _action: str) -> int:
        return time.time_ns()
