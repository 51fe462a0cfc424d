"""Wrong publishers: documents that the protocol page rules out."""

import time
import unicodedata
from typing import Any

import orjson

from tests.conformance.mutants.partners import wrong
from tests.conformance.partner_fixtures import Publisher


class _Rewriting(Publisher):
    """Sends another document than it should."""

    def document(self, offer_id: str, revision: int) -> dict[str, Any]:
        return self.rewrite(super().document(offer_id, revision))

    def rewrite(self, document: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


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


@wrong("OFR-005", "sends null for what it does not know")
class SendsNulls(_Rewriting):
    def rewrite(self, document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "seats": None}


@wrong("OFR-005", "sends the revision as a text")
class SendsTextRevisions(_Rewriting):
    def rewrite(self, document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "revision": str(document["revision"])}


@wrong("OFR-017", "sends postcodes as numbers")
class SendsNumericPostcodes(_Rewriting):
    def rewrite(self, document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "location": {"postal_code": 35000, "city": "Rennes"}}


@wrong("OFR-006", "sends titles of any length")
class SendsLongTitles(_Rewriting):
    def rewrite(self, document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "title": document["title"] + " de menuiserie" * 20}


@wrong("OFR-010", "sends descriptions with HTML")
class SendsMarkup(_Rewriting):
    def rewrite(self, document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "description": "<p>Observer&nbsp;la fabrication.</p>"}


@wrong("OFR-011", "sends the line ends of a form")
class SendsCarriageReturns(_Rewriting):
    def rewrite(self, document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "description": "Observer.\r\nEssayer."}


@wrong("OFR-012", "sends letters and their accents apart")
class SendsDecomposedLetters(_Rewriting):
    def rewrite(self, document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "title": unicodedata.normalize("NFD", f"Découverte {document['title']}")}


@wrong("OFR-034", "writes an e-mail address into the description")
class SendsEmailAddresses(_Rewriting):
    def rewrite(self, document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "description": "Candidature : contact@atelier-du-port.fr"}


@wrong("OFR-034", "writes a phone number into the extensions")
class SendsPhoneNumbers(_Rewriting):
    def rewrite(self, document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "extensions": {self.slug: {"contact": "02 99 12 34 56"}}}


@wrong("OFR-003", "sends its own fields beside those of the schema")
class SendsItsOwnFields(_Rewriting):
    def rewrite(self, document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "created_at": "2027-01-01T10:00:00Z"}


@wrong("OFR-008", "sends the name of the level in place of its code")
class SendsNamesOfLevels(_Rewriting):
    def rewrite(self, document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "levels": ["Troisième"]}


@wrong("OFR-023", "does not pad weeks")
class SendsShortWeeks(_Rewriting):
    def rewrite(self, document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "weeks": ["2027-W9"]}


@wrong("OFR-016", "sends apply addresses without https")
class SendsPlainAddresses(_Rewriting):
    def rewrite(self, document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "apply_url": document["apply_url"].replace("https:", "http:")}
