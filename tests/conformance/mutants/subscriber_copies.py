"""Wrong subscribers as a table: what they keep of titles, ids, cursors and sequences is not to the letter."""

import html
import re
import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

from tests.conformance.mutants.partners import wrong
from tests.conformance.mutants.subscriber_content import _Renaming
from tests.conformance.partner_fixtures import Subscriber
from tests.conformance.partner_kinds import GenerationSubscriber

_ASCII = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-"})


def _titles(name: str, names: str, fault: str, change: Callable[[str], str]) -> None:
    def row(self: Subscriber, given: dict[str, Any]) -> dict[str, Any]:
        return {**Subscriber.row(self, given), "title": change(given["offer"]["title"])}

    wrong(names, fault)(type(name, (Subscriber,), {"row": row}))


def _cursors(name: str, names: str, fault: str, change: Callable[[str], str]) -> None:
    def take(self: Subscriber, page: dict[str, Any]) -> bool:
        return Subscriber.take(self, {**page, "cursor": change(page["cursor"])})

    wrong(names, fault)(type(name, (Subscriber,), {"take": take}))


def _ids(name: str, names: str, fault: str, change: Callable[[str], str]) -> None:
    wrong(names, fault)(type(name, (_Renaming,), {"stored": lambda _, offer_id: change(offer_id)}))


def _number(offer_id: str) -> str:
    """As a spreadsheet reads a cell: 1e3 is a number."""
    slug, _, local = offer_id.partition(":")
    return f"{slug}:{float(local):g}" if re.fullmatch(r"[0-9]+(\.[0-9]+)?(e[0-9]{1,2})?", local) else offer_id


_titles(
    "KeepsCompatibleTitles",
    "OFR-012",
    "stores titles in normalization form KC",
    lambda text: unicodedata.normalize("NFKC", text),
)
_titles(
    "DecomposesTitles",
    "OFR-012",
    "stores titles in normalization form D",
    lambda text: unicodedata.normalize("NFD", text),
)
_titles(
    "KeepsPlainBlanks", "OFR-011", "stores no-break spaces as blanks", lambda text: re.sub("[\u00a0\u202f]", " ", text)
)
_titles("JoinsBlanks", "OFR-011", "stores one blank for several, of whatever kind", lambda text: " ".join(text.split()))
_titles(
    "TakesEmojiApart",
    "OFR-011",
    "stores emoji without the joiners and selectors within",
    lambda text: re.sub("[\u200d\ufe0e\ufe0f]", "", text),
)
_titles(
    "StraightensQuotes",
    "OFR-001",
    "stores typographic apostrophes, quotes and dashes as those of ASCII",
    lambda text: text.translate(_ASCII),
)
_titles("ResolvesReferences", "OFR-010", "reads an ampersand in a title as the beginning of a reference", html.unescape)
_titles(
    "ReadsBackslashes",
    "OFR-001",
    "reads a backslash in a title as an escape",
    lambda text: re.sub(r"\\(.)", r"\1", text),
)
_titles("ReadsPercents", "OFR-001", "decodes titles like parts of an address", unquote_plus)
_titles(
    "DoublesQuotes",
    "OFR-001",
    "stores titles with their apostrophes doubled, as for SQL",
    lambda text: text.replace("'", "''"),
)
_titles(
    "GuardsFormulas",
    "RTE-012",
    "stores an apostrophe before a title that a spreadsheet could calculate",
    lambda text: f"'{text}" if text[:1] in "=+-@" else text,
)
_titles(
    "DropsFullStops", "OFR-006", "stores titles without the full stop at their end", lambda text: text.removesuffix(".")
)
_titles(
    "CutsAtSigns",
    "OFR-006",
    "cuts titles at 140 UTF-16 units",
    lambda text: text.encode("utf-16-le")[:280].decode("utf-16-le", "ignore"),
)

_cursors("CutsCursorsAt255", "FEED-003", "cuts cursors at 255 characters", lambda cursor: cursor[:255])
_cursors("CutsCursorsAt200", "FEED-003", "cuts cursors at 200 characters", lambda cursor: cursor[:200])
_cursors("ReadsCursors", "FEED-004", "decodes cursors like parts of an address before it keeps them", unquote_plus)
_cursors(
    "TrimsCursors",
    "FEED-004",
    "takes signs that are no letters off the end of cursors",
    lambda cursor: cursor.rstrip("=._-~"),
)

_ids("ReadsExponents", "IDN-001", "reads local ids as numbers, 1e3 too", _number)
_ids("TrimsIds", "IDN-001", "takes points and dashes off the end of ids", lambda offer_id: offer_id.rstrip(".-_~"))


@wrong("IDN-001", "removes every offer whose id differs by capitals only from that of a removal")
class RemovesWithoutCase(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        seen = self.is_seen(change)
        super().apply(change)
        if change["op"] == "removal" and not seen:
            self.held = {key: row for key, row in self.held.items() if key.lower() != change["id"].lower()}


@wrong("FEED-009", "keeps the sequences of what was removed over a 410, so that an older state of another log is lost")
class KeepsSequencesOfTheRemoved(Subscriber):
    def resync(self) -> None:
        removed = {key: last for key, last in self.applied.items() if key not in self.held}
        super().resync()
        self.applied = removed


@wrong("FEED-009", "reads beside its old copy after a 410, and takes only what is newer than that")
class KeepsNewerOfTheOldCopy(GenerationSubscriber):
    def resync(self) -> None:
        super().resync()
        self.again = set()


@wrong("FEED-009", "reads beside its old copy after a 410, and sweeps by the number of offers")
class SweepsByNumber(GenerationSubscriber):
    def take(self, page: dict[str, Any]) -> bool:
        if len(self.held) <= len(page["changes"]):
            self.unseen = set()
        return super().take(page)
