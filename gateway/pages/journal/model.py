"""View models of the journal: the filter as an address has it, and entries in words. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from gateway.pages.base.csv_file import csv_file
from gateway.pages.base.page import Download
from gateway.pages.base.texts import Texts, texts_of
from gateway.pages.base.wording import stamp
from gateway.pages.journal.details import details_in_words
from gateway.protocol.identity import is_slug
from gateway.protocol.journal import ACTS, JournalEntry, JournalFilter, Names, clean_name, pseudonyms_of
from gateway.protocol.paris_time import paris_midnight
from schemas.rulebook import Language

FIELDS = ("act", "about", "person", "client", "since", "until")
MAX_ABOUT_CHARACTERS = 200
_ISO = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})")
_FRENCH = re.compile(r"(?P<day>[0-9]{1,2})/(?P<month>[0-9]{1,2})/(?P<year>[0-9]{4})")
_SHORT = 8


@dataclass(frozen=True, slots=True)
class ReadFilter:
    """The filter of an address: as typed by field, as a filter, and the fields that are wrong."""

    typed: Mapping[str, str]
    filter: JournalFilter
    wrong: Sequence[str]

    @property
    def query(self) -> Mapping[str, str]:
        """The fields that say something."""
        return {name: value for name, value in self.typed.items() if value}


def read_filter(given: Mapping[str, str], names: Names) -> ReadFilter:
    """The filter of a query string. Days are those of Europe/Paris, the last one included."""
    typed = {name: " ".join(given.get(name, "").split()) for name in FIELDS}
    wrong: list[str] = []
    persons = None
    if typed["person"]:
        try:
            persons = pseudonyms_of(names, clean_name(typed["person"]))
        except ValueError:
            wrong.append("person")
    days = {name: _day(typed[name]) for name in ("since", "until") if typed[name]}
    wrong += [name for name, day in days.items() if day is None]
    if typed["act"] and typed["act"] not in ACTS:
        wrong.append("act")
    if len(typed["about"]) > MAX_ABOUT_CHARACTERS:
        wrong.append("about")
    if typed["client"] and not is_slug(typed["client"]):
        wrong.append("client")
    since, until = days.get("since"), days.get("until")
    criteria = JournalFilter(
        acts=frozenset({typed["act"]} if typed["act"] else ()),
        about=typed["about"] or None,
        persons=persons,
        client=typed["client"] or None,
        since=None if since is None else paris_midnight(since),
        until=None if until is None else paris_midnight(until + timedelta(days=1)),
    )
    return ReadFilter(typed, criteria, wrong)


def rows_of(
    entries: Sequence[JournalEntry], later: Iterable[JournalEntry], names: Names, language: Language
) -> Sequence[Mapping[str, Any]]:
    """The rows of entries in a language; ``later`` are entries after them, which may say that an act did not happen."""
    failed = {one.failed for one in (*entries, *later)}
    return [_row(entry, entry.number in failed, names, language) for entry in entries]


def journal_csv(rows: Sequence[Mapping[str, Any]], language: Language) -> Download:
    """The rows as a file for spreadsheets."""
    t = texts_of("journal", language)
    heads = [str(t(head)) for head in ("number", "when", "person", "client", "act", "details", "about", "why")]
    name = "registre.csv" if language == "fr" else "journal.csv"
    return csv_file(name, heads, [_cells(row, t) for row in rows])


def _cells(row: Mapping[str, Any], t: Texts) -> Sequence[object]:
    erased = str(t("erased_name", pseudonym=row["pseudonym"])) if row["pseudonym"] else ""
    failed = str(t("failure_of", number=str(row["of"]))) if row["of"] is not None else ""
    act = str(t(row["act"])) if row["act"] else row["code"]
    note = [str(t.failed)] if row["failed"] else [failed] if failed else []
    return (
        row["number"],
        stamp(row["at"]),
        row["name"] or erased,
        row["client"] or "",
        " – ".join([act, *note]),
        " · ".join(f"{label}{t.colon}{value}" for label, value in row["details"]),
        row["about"],
        row["why"] or "",
    )


def act_key(act: str) -> str:
    """The key of the words of an act."""
    return f"act_{act.replace('.', '_').replace('-', '_')}"


def _row(entry: JournalEntry, failed: bool, names: Names, language: Language) -> Mapping[str, Any]:  # noqa: FBT001  # one caller
    """One entry. ``act``: key of its text, None for one of a later version; ``about`` is what it is about, ``named``
    whether that can be searched for; ``name``: None where no person is named or the name was erased; ``failed``: it
    certainly did not happen; ``of``: the entry whose failure this one says.
    """
    known = None if entry.person is None else names.get(entry.person)
    key, erasure = act_key(entry.act), entry.act == "journal.erase-name"
    return {
        "number": entry.number,
        "at": entry.at,
        "act": key if key in texts_of("journal", language) else None,
        "code": entry.act,
        "about": f"{entry.about[:_SHORT]}…" if erasure else entry.about,
        "named": not erasure,
        "name": None if known is None else known.name,
        "pseudonym": None if entry.person is None else entry.person[:_SHORT],
        "client": entry.client,
        "why": entry.why,
        "details": details_in_words(entry.details, language),
        "failed": failed,
        "of": entry.failed,
    }


def _day(text: str) -> date | None:
    """A day as ``2027-01-15`` or ``15/01/2027``; None for any other text."""
    found = _ISO.fullmatch(text) or _FRENCH.fullmatch(text)
    if found is None:
        return None
    try:
        day = date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        return None
    return day if 1970 < day.year < 9_999 else None
