"""Wrong gateways: plain text, invisible characters, normal form, blank texts (OFR-010 to OFR-013)."""

import unicodedata

from tests.conformance.mutants.edits import Document
from tests.conformance.mutants.table import register
from tests.conformance.mutants.ways import reading, texts_changed

register("wordings")


@reading("OFR-012", "asks for normalization form KC")
def asks_for_nfkc(offer: Document) -> None:
    def apart(text: str) -> str:
        other = text != unicodedata.normalize("NFKC", text) and text == unicodedata.normalize("NFC", text)
        return "e\u0301" if other else text

    texts_changed(offer, apart)


@reading("OFR-013", "takes combining marks for letters")
def takes_marks_for_letters(offer: Document) -> None:
    def seen(text: str) -> str:
        return "Texte" if text.strip() and all(unicodedata.combining(each) for each in text.strip()) else text

    texts_changed(offer, seen)


@reading("OFR-013", "leaves out optional texts that are blank")
def drops_blank_texts(offer: Document) -> None:
    for part, name in (("employer", "description"), ("location", "street"), ("schedule", "lunch_break")):
        if not offer.get(part, {}).get(name, "x").strip("\n \u00a0"):
            del offer[part][name]
