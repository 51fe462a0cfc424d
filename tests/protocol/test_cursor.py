"""Cursors: read as they were written, or refused with the reason."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.protocol import cursor as cursors
from gateway.protocol.seal import Seal
from gateway.protocol.visibility import VISIBILITY_RULES, Filter, Reader

SEAL = Seal(b"k" * 32, purpose="cursor")
ASKED = Filter(region=frozenset({"53"}))
READER = Reader("normandie")


def read(text: str, **change: Any) -> object:
    terms: dict[str, Any] = {"criteria": ASKED, "reader": READER, "log": "L", "end": (9, 9), "now": 1_000}
    return cursors.read(text, SEAL, **{**terms, **change})


def text() -> str:
    cursor = cursors.start(end=(9, 9), now=1_000, criteria=ASKED, reader=READER, log="L")
    return cursors.write(cursor, SEAL)


def test_a_cursor_comes_back_as_it_went() -> None:
    """[FEED-004]."""
    cursor = read(text())
    assert isinstance(cursor, cursors.Cursor)
    assert (cursor.positions, cursor.began) == ((0, 0), (9, 9))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"criteria": Filter()}, "cursor-filter"),
        ({"reader": Reader("bretagne")}, "resync-required"),
        ({"log": "M"}, "resync-required"),
        ({"now": 1_001 + cursors.FRESH_MS}, "resync-required"),
        ({"end": (9,)}, "resync-required"),
    ],
)
def test_a_cursor_is_refused_for_another_filter_reader_log_or_after_seven_days(
    change: dict[str, Any], fault: str
) -> None:
    """[FEED-005] [FEED-009]."""
    assert read(text(), **change) == fault


@pytest.mark.parametrize(("newer", "fault"), [(-1, "resync-required"), (1, "view-behind")])
def test_a_cursor_of_other_visibility_rules_is_refused(newer: int, fault: str) -> None:
    """[RTE-014] Earlier rules may have shown more; later ones are those of a replica of a later version."""
    cursor = cursors.start(end=(9, 9), now=1_000, criteria=ASKED, reader=READER, log="L")
    other = replace(cursor, reader=cursors.reader_digest(READER, rules=VISIBILITY_RULES + newer))
    assert fault == read(cursors.write(other, SEAL))


def test_the_first_rules_are_those_of_a_digest_without_a_number() -> None:
    """Cursors and topics from before there were numbers continue."""
    assert [1, 2] == [cursors.rules_of(cursors.reader_digest(READER, rules=number)) for number in (1, 2)]
    assert "~" not in cursors.reader_digest(READER, rules=1)


def test_a_forged_cursor_is_refused() -> None:
    """[FEED-004]."""
    assert read(text()[:-1] + "_") == "cursor-forged"


@pytest.mark.parametrize(("ahead", "taken"), [(60_000, True), (cursors.FRESH_MS, True), (cursors.FRESH_MS + 1, False)])
def test_a_cursor_of_a_clock_ahead_is_taken_as_long_as_its_age_is_bounded(ahead: int, *, taken: bool) -> None:
    """[FEED-009] Beyond seven days a delete may be gone before the cursor ends: the reader starts again, at once."""
    cursor = read(text(), now=1_000 - ahead)
    assert taken == isinstance(cursor, cursors.Cursor)
    assert taken or cursor == "resync-required"
    if isinstance(cursor, cursors.Cursor):
        assert 1_000 - ahead == cursor.fresh, "its age counts from now at the latest"
