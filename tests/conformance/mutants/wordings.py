"""Wrong gateways: plain text, invisible characters, normal form, blank texts (OFR-010 to OFR-013)."""

import html
import re
import unicodedata

from tests.conformance.mutants.ways import (
    Document,
    put,
    reading,
    rendering,
    silent,
    texts_changed,
    value,
)

_TAG = re.compile(r"<[A-Za-z/!?][^>]*>?")
_REFERENCE = re.compile(r"&(?:[A-Za-z]{2,10}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")


@reading("OFR-010", "looks for markup in title and description only")
def strips_markup_elsewhere(offer: Document) -> None:
    rest = ("/employer/name", "/employer/description", "/location/street", "/location/city", "/schedule/lunch_break")
    texts_changed(offer, lambda text: _REFERENCE.sub("?", _TAG.sub("", text)) or "?", *rest)


@reading("OFR-010", "knows no markup in street, city and lunch break")
def strips_markup_of_localities(offer: Document) -> None:
    rest = ("/location/street", "/location/city", "/schedule/lunch_break")
    texts_changed(offer, lambda text: _REFERENCE.sub("?", _TAG.sub("", text)) or "?", *rest)


@reading("OFR-010", "knows no comments, declarations and closing tags")
def knows_opening_tags_only(offer: Document) -> None:
    texts_changed(offer, lambda text: re.sub("<[/!?]", "(", text))


@reading("OFR-010", "unescapes character references")
def unescapes_references(offer: Document) -> None:
    texts_changed(offer, lambda text: html.unescape(text) if _REFERENCE.search(text) else text)


@reading("OFR-010", "knows no numeric character references")
def unescapes_numbers(offer: Document) -> None:
    texts_changed(offer, lambda text: re.sub("&#[xX]?[0-9A-Fa-f]+;", "?", text))


@reading("OFR-010", "takes every less-than sign for a tag")
def refuses_less_than(offer: Document) -> None:
    texts_changed(offer, lambda text: text.replace("<", "<b>"))


@reading("OFR-010", "takes every ampersand for a character reference")
def refuses_ampersands(offer: Document) -> None:
    texts_changed(offer, lambda text: text.replace("&", "&amp;"))


@reading("OFR-010", "strips markup in a batch and in a snapshot", "batch", "snapshot")
def strips_markup_of_lines(offer: Document) -> None:
    texts_changed(offer, lambda text: _REFERENCE.sub("?", _TAG.sub("", text)) or "?")


@reading("OFR-011", "turns tabs and carriage returns into blanks")
def replaces_tabs(offer: Document) -> None:
    texts_changed(offer, lambda text: re.sub("\r\n?", "\n", text).replace("\t", " "))


@reading("OFR-011", "turns a line feed in a line of text into a blank")
def joins_lines(offer: Document) -> None:
    for pointer in ("/title", "/employer/name", "/location/street", "/location/city"):
        texts_changed(offer, lambda text: text.replace("\n", " "), pointer)


@reading("OFR-011", "takes a line feed in the employer's description or the lunch break for a control character")
def refuses_line_feeds(offer: Document) -> None:
    texts_changed(offer, lambda text: text.replace("\n", "\x01"), "/employer/description", "/schedule/lunch_break")


@reading("OFR-011", "knows no control characters beyond ASCII")
def knows_ascii_controls_only(offer: Document) -> None:
    texts_changed(offer, lambda text: re.sub("[\x7f-\x9f\u2028\u2029\ufff9-\ufffb]", " ", text))


@reading("OFR-011", "removes tag characters and byte order marks")
def removes_tags(offer: Document) -> None:
    texts_changed(offer, lambda text: re.sub("[\ufeff\U000e0000-\U000e007f]", "", text))


@reading("OFR-011", "knows no isolates of direction")
def knows_no_isolates(offer: Document) -> None:
    texts_changed(offer, lambda text: re.sub("[\u061c\u2066-\u2069]", "", text))


@reading("OFR-011", "looks for direction marks in title and description only")
def removes_directions_elsewhere(offer: Document) -> None:
    rest = ("/employer/name", "/employer/description", "/location/street", "/location/city", "/schedule/lunch_break")
    texts_changed(offer, lambda text: re.sub("[\u200e\u200f\u202a-\u202e]", "", text), *rest)


@reading("OFR-011", "knows soft hyphen, zero-width space and word joiner as invisible, and nothing else")
def knows_three_invisibles(offer: Document) -> None:
    texts_changed(
        offer, lambda text: re.sub("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2061-\u2064\u206a-\u206f]", "", text)
    )


@reading("OFR-011", "removes joiners and variation selectors of an emoji")
def splits_emoji(offer: Document) -> None:
    texts_changed(offer, lambda text: re.sub("(?<=[\u2600-\u27bf\U0001f000-\U0001faff\ufe0f])[\u200d\ufe0f]", "", text))


@reading("OFR-011", "takes the joiner of an emoji for an error")
def refuses_emoji(offer: Document) -> None:
    texts_changed(offer, lambda text: re.sub("(?<=[\U0001f000-\U0001faff])\u200d", "\u200e", text))


@reading("OFR-011", "takes joiners of a script that is written with them for invisible ones")
def splits_scripts(offer: Document) -> None:
    texts_changed(offer, lambda text: re.sub("(?<=[\u0600-\u0dff])[\u200c\u200d]", "\u2060", text))


def _keep_soft_hyphens(entry: Document) -> None:
    for pointer in ("/offer/title", "/offer/description"):
        text = value(entry, pointer)
        put(entry, pointer, text[:1] + "\u00ad" + text[1:])


@rendering("OFR-011", "relays invisible characters in the changes feed", "changes")
def relays_invisibles_in_changes(entry: Document) -> None:
    _keep_soft_hyphens(entry)


@rendering("OFR-011", "relays invisible characters in lists and single offers", "list", "offer")
def relays_invisibles_in_lists(entry: Document) -> None:
    _keep_soft_hyphens(entry)


@silent("OFR-011", "removes invisible characters without a word in batches and receipts too", "text-invisible")
def says_nothing_of_invisibles() -> None: ...


@reading("OFR-012", "normalises all texts but title and description")
def normalises_other_texts(offer: Document) -> None:
    rest = ("/employer/name", "/employer/description", "/location/street", "/location/city", "/schedule/lunch_break")
    texts_changed(offer, lambda text: unicodedata.normalize("NFC", text), *rest)


@reading("OFR-012", "asks for normalization form KC")
def asks_for_nfkc(offer: Document) -> None:
    def apart(text: str) -> str:
        other = text != unicodedata.normalize("NFKC", text) and text == unicodedata.normalize("NFC", text)
        return "e\u0301" if other else text

    texts_changed(offer, apart)


@reading("OFR-012", "normalises texts in a batch and in a snapshot", "batch", "snapshot")
def normalises_lines(offer: Document) -> None:
    texts_changed(offer, lambda text: unicodedata.normalize("NFC", text))


@reading("OFR-013", "takes fillers for letters")
def takes_fillers_for_letters(offer: Document) -> None:
    texts_changed(offer, lambda text: "Texte" if text and not text.strip("\u3164\u2800\u115f\u1160\uffa0 ") else text)


@reading("OFR-013", "takes combining marks for letters")
def takes_marks_for_letters(offer: Document) -> None:
    def seen(text: str) -> str:
        return "Texte" if text.strip() and all(unicodedata.combining(each) for each in text.strip()) else text

    texts_changed(offer, seen)


@reading("OFR-013", "takes wide blanks for letters")
def takes_wide_blanks_for_letters(offer: Document) -> None:
    texts_changed(
        offer, lambda text: "Texte" if text and not text.strip("\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000") else text
    )


@reading("OFR-013", "looks for blank texts in title and description only")
def fills_blank_texts(offer: Document) -> None:
    rest = ("/employer/name", "/employer/description", "/location/street", "/location/city", "/schedule/lunch_break")
    texts_changed(offer, lambda text: text if text.strip() else "Texte", *rest)


@reading("OFR-013", "asks for a letter or digit in every text")
def asks_for_letters(offer: Document) -> None:
    texts_changed(offer, lambda text: text if any(each.isalnum() for each in text) else " ")


@reading("OFR-013", "leaves out optional texts that are blank")
def drops_blank_texts(offer: Document) -> None:
    for part, name in (("employer", "description"), ("location", "street"), ("schedule", "lunch_break")):
        if not offer.get(part, {}).get(name, "x").strip("\n \u00a0"):
            del offer[part][name]
