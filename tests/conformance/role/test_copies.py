"""Copies to the letter: whatever a subscriber changes in a text, an id or a cursor, the scripted feed shows it."""

import html
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

import pytest

from conformance.model.case import Hold
from conformance.model.library import cases
from conformance.model.result import Outcome
from conformance.role.scripted_feed import ScriptedFeed
from tests.conformance.partner_fixtures import Subscriber, cases_of, played

ALTERATIONS: Mapping[str, Callable[[str], str]] = {
    "NFD": lambda text: unicodedata.normalize("NFD", text),
    "NFKC": lambda text: unicodedata.normalize("NFKC", text),
    "NFKD": lambda text: unicodedata.normalize("NFKD", text),
    "trims": str.strip,
    "trims the end": str.rstrip,
    "trims blanks alone": lambda text: text.strip(" "),
    "collapses blanks": lambda text: re.sub(r" {2,}", " ", text),
    "plain blanks": lambda text: re.sub(r"[\u00a0\u202f\u2009]", " ", text),
    "drops no-break spaces": lambda text: text.replace("\u00a0", ""),
    "splits at any blank": lambda text: " ".join(text.split()),
    "escapes HTML": html.escape,
    "escapes ampersands": lambda text: text.replace("&", "&amp;"),
    "reads HTML": html.unescape,
    "strips tags": lambda text: re.sub(r"[<>]", "", text),
    "percent-decodes": unquote,
    "reads a form": unquote_plus,
    "percent-encodes": quote,
    "doubles percent signs": lambda text: text.replace("%", "%%"),
    "drops percent signs": lambda text: text.replace("%", ""),
    "strips slashes": lambda text: text.replace("\\", ""),
    "adds slashes": lambda text: text.replace("\\", "\\\\"),
    "reads escapes": lambda text: text.replace("\\n", "\n").replace("\\t", "\t"),
    "doubles apostrophes": lambda text: text.replace("'", "''"),
    "halves apostrophes": lambda text: text.replace("''", "'"),
    "straight apostrophes": lambda text: text.replace("’", "'"),
    "curled apostrophes": lambda text: text.replace("'", "’"),
    "straight quotes": lambda text: re.sub("[“”«»]", '"', text),
    "unquotes": lambda text: text.strip("'\""),
    "plain dashes": lambda text: re.sub("[‑–—−]", "-", text),
    "no final stop": lambda text: text.rstrip("."),
    "one final stop": lambda text: re.sub(r"\.+\Z", ".", text),
    "adds a final stop": lambda text: text if text.endswith((".", "…", "!", "?")) else f"{text}.",
    "ellipsis": lambda text: text.replace("…", "..."),
    "one ellipsis": lambda text: text.replace("...", "…"),
    "ligatures": lambda text: text.replace("œ", "oe").replace("æ", "ae"),
    "lower case": str.lower,
    "upper case": str.upper,
    "capitals of words": str.title,
    "one capital": str.capitalize,
    "Latin-1": lambda text: text.encode("latin-1", "replace").decode("latin-1"),
    "Windows-1252": lambda text: text.encode("cp1252", "replace").decode("cp1252"),
    "ASCII": lambda text: text.encode("ascii", "ignore").decode(),
    "three bytes": lambda text: re.sub("[^\u0000-\uffff]", "?", text),
    "no joiners": lambda text: text.replace("\u200d", ""),
    "no variations": lambda text: text.replace("\ufe0f", ""),
    "no combining marks": lambda text: "".join(sign for sign in text if not unicodedata.combining(sign)),
    "spreadsheet": lambda text: f"'{text}" if text[0] in "=+-@" else text,
    "reads a spreadsheet": lambda text: text.removeprefix("'"),
    "numbers": lambda text: str(float(text)) if re.fullmatch(r"[0-9.e]+", text) else text,
    "no leading zeros": lambda text: text.lstrip("0") or text,
    "nothing for null": lambda text: "" if text.lower() in {"null", "none", "nan", "0"} else text,
    "Markdown": lambda text: text.replace("*", "").replace("_", ""),
    "semicolons": lambda text: text.replace(";", ","),
}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_each_alteration_of_a_text_changes_a_title_that_is_compared(name: str) -> None:
    titles = {
        title
        for case in cases()
        if case.id.startswith("subscriber/copied-")
        for step in case.subject.steps  # type: ignore[union-attr]  # a script
        if isinstance(step, Hold)
        for each in step.expect["holds"].values()
        if (title := each.get("title")) is not None
    }
    assert len(titles) > 100
    assert {title for title in titles if ALTERATIONS[name](title) != title}


ON_CURSORS: Mapping[str, Callable[[str], str]] = {
    "lower case": str.lower,
    "255 signs": lambda text: text[:255],
    "256 signs": lambda text: text[:256],
    "trims signs": lambda text: text.strip("-="),
    "no padding": lambda text: text.rstrip("="),
    "not encoded": unquote_plus,
    "decoded twice": unquote,
    "plus as blank": lambda text: text.replace("+", " "),
    "base64 for addresses": lambda text: text.replace("+", "-").replace("/", "_"),
    "letters and digits": lambda text: re.sub(r"[^A-Za-z0-9]", "", text),
}


@pytest.mark.parametrize("name", ON_CURSORS)
def test_each_alteration_of_a_cursor_is_a_cursor_that_was_not_issued(name: str) -> None:
    feed = ScriptedFeed(pages=[{"changes": []}, {"changes": []}])
    cursor = str(feed.next(None, "", limit=100, now=0.0)["cursor"])
    altered = ON_CURSORS[name](cursor)
    assert "cursor-forged" == feed.next(altered, "", limit=100, now=0.0).get("code")
    assert "changes" in feed.next(cursor, "", limit=100, now=0.0)


class KeepsSequences(Subscriber):
    """After a 410 reads from the start, and still trusts the sequences from before it."""

    def resync(self) -> None:
        self.held, self.cursor = {}, None
        self.applied = {each: last - 1 for each, last in self.applied.items() if each not in self.removed}
        self.applied |= self.removed

    def forget(self) -> None:
        super().forget()
        self.removed: dict[str, int] = {}

    def apply(self, change: dict[str, Any]) -> None:
        if change["op"] == "removal":
            self.removed[change["id"]] = change["sequence"]
        super().apply(change)


@pytest.mark.parametrize(
    "case", ["subscriber/resync-brings-back-what-was-removed", "subscriber/resync-with-lower-sequences"]
)
async def test_a_reader_that_keeps_sequences_over_a_410_is_caught(case: str) -> None:
    [result] = await played(KeepsSequences, [each for each in cases_of("subscriber") if each.id == case])
    assert Outcome.FAIL is result.outcome
