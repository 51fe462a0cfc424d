"""Offers as CSV (RFC 4180, but with semicolons), one line per offer, safe against formula injection.

Spreadsheets evaluate a cell that looks like a formula, some of them once they have dropped blanks and invisible signs,
and have read wide, small or raised signs as the usual ones. Texts come from publishers: a text whose first visible
character could begin a formula is prefixed with an apostrophe, and so is a text that begins with an apostrophe.
Removing one leading apostrophe from each quoted cell restores the text. Numbers and booleans are never
quoted, texts always.

French spreadsheets expect semicolons and a byte order mark. With commas they would split cells at semicolons in a
publisher's text, and find formulas in the middle of texts.
"""

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from gateway.protocol.rendering import Document, Rendering
from schemas.offer_field import DAYS, PUBLISHER_ONLY, plain_members
from schemas.registry import schema

Cell: TypeAlias = str | int | float | bool | None

_FORMULA = frozenset("=+-@|%'\u2212\u2795\u2796")
_BREAKS = frozenset("\t\r\n")
_INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me", "Zs", "Zl", "Zp"})
_DASH = "Pd"
_OFFER = schema("offer")
_LINE_END = b"\r\n"


def write_cell(cell: Cell) -> str:
    """A cell as written in the file; an unknown value is empty."""
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case int() | float():
            return repr(cell)
    mark = "'" if _is_formula(cell) else ""
    doubled = cell.replace('"', '""')
    return f'"{mark}{doubled}"'


def _is_formula(text: str) -> bool:
    """Whether the first visible sign, in its usual form, can begin a formula, or a line break or tab is before it."""
    for sign in text:
        if sign in _BREAKS:
            return True
        if unicodedata.category(sign) not in _INVISIBLE:
            usual = unicodedata.normalize("NFKC", sign)[:1]
            return usual in _FORMULA or unicodedata.category(usual) == _DASH
    return False


def _at(*path: str) -> Callable[[Document], Cell]:
    """The function for the value at a path; a list is joined by spaces, which its items do not contain."""

    def cell(document: Document) -> Cell:
        found: Any = document
        for name in path:
            found = found.get(name)
            if found is None:
                return None
        match found:
            case list() | tuple():
                return " ".join(found)
            case Mapping():
                return _hours(found)
        known: Cell = found
        return known

    return cell


def _hours(day: Mapping[str, Any]) -> str:
    """``09:00-17:00``, with the break's minutes after a slash if they are known."""
    pause = f"/{day['break_minutes']}" if "break_minutes" in day else ""
    return f"{day['start']}-{day['end']}{pause}"


_COLUMNS: Mapping[str, Callable[[Document], Cell]] = {
    **{name: _at(name) for name in ("id", "sequence", "at")},
    **{name: _at("offer", name) for name in ("title", "description")},
    **{f"employer_{name}": _at("offer", "employer", name) for name in plain_members(_OFFER, "employer")},
    **{name: _at("offer", "location", name) for name in plain_members(_OFFER, "location")},
    **{name: _at("territory", name) for name in ("department", "region", "academie")},
    **{name: _at("offer", name) for name in ("levels", "weeks", "stay_weeks", "seats", "sector")},
    "rome": _at("offer", "rome", "code"),
    **{day: _at("offer", "schedule", day) for day in DAYS},
    "lunch_break": _at("offer", "schedule", "lunch_break"),
    "accessibility": _at("offer", "accessibility"),
    **{name: _at("offer", "restrictions", name) for name in (*plain_members(_OFFER, "restrictions"), "schools")},
    **{name: _at("offer", name) for name in ("apply_url", "expires_on")},
    **{name: _at(name) for name in ("provenance", "possible_duplicates")},
    **{name: _at("offer", name) for name in plain_members(_OFFER) if name not in PUBLISHER_ONLY},
}
"""Column → its cell. Each plain field of an offer has one; those that a later version adds are the last."""


def _line(document: Document) -> bytes:
    return ";".join(write_cell(cell(document)) for cell in _COLUMNS.values()).encode() + _LINE_END


TABLE = Rendering(
    media_type="text/csv; charset=utf-8; header=present",
    extension="csv",
    begin="\ufeff".encode() + ";".join(write_cell(name) for name in _COLUMNS).encode() + _LINE_END,
    item=_line,
    between=b"",
    end=b"",
)
