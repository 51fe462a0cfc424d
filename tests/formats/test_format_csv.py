"""CSV feeds, as spreadsheets write them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats.csv_reader import SEPARATORS, read_rows
from adapters.formats.item import ITEM_CHARACTERS, BrokenItem, FeedComplete, FeedUnusable, OfferItem, SourceItem
from tests.formats.feeds import codes, csv, flat, items, only, row, unusable, written


def records(text: str, **options: Any) -> list[SourceItem]:
    return list(read_rows([text], **{"separator": None, "columns": None, "needed": (), **options}))


def contents(text: str, **options: Any) -> list[Any]:
    return [record.content for record in records(text, **options)]


@pytest.mark.parametrize("separator", SEPARATORS)
def test_the_separator_is_guessed_from_the_first_line(separator: str) -> None:
    """[FMT-008]"""
    assert "Découverte d'un atelier" == only(csv([row()], separator).encode(), flat("csv")).document["title"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a;b\n1;2\n", [{"a": "1", "b": "2"}]),
        ("sep=;\na;b\n1;2", [{"a": "1", "b": "2"}]),
        ('"sep=,"\n\na,b;c\n1,2', [{"a": "1", "b;c": "2"}]),
        ("\n\n a ; b \n\n1;2\n;\n", [{"a": "1", "b": "2"}]),
        ('a;b\n"x\n""y"";z";2\n', [{"a": 'x\n"y";z', "b": "2"}]),
        ("a;a;a\n1;2;3\n", [{"a": ["1", "2", "3"]}]),
        ("a;b\n1;2;;\n", [{"a": "1", "b": "2"}]),
        ('a;b\n="01000";"=""007"""\n', [{"a": "01000", "b": "007"}]),
        ("e\u0301;b\n1;2\n", [{"é": "1", "b": "2"}]),
        ("a\n1\n2\n", [{"a": "1"}, {"a": "2"}]),
    ],
)
def test_rows_become_their_cells_by_column(text: str, expected: list[Any]) -> None:
    """[FMT-001]"""
    assert expected == contents(text)


def test_the_mapping_may_name_separator_and_columns() -> None:
    """[FMT-001]"""
    assert [{"a": "1;1", "b": "2"}] == contents("1;1|2\n", separator="|", columns=["a", "b"])


def test_a_row_has_the_line_on_which_it_begins() -> None:
    """[FMT-006]"""
    assert [3, 6] == [record.line for record in records('sep=;\na;b\n"1\n1";2\n\n3;4\n')]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("S-2;x", "row-width"),
        (";".join(["S-2"] * 11), "row-width"),
        ('S-2;"x"y;3;4;5;6;7;8;9;10', "item-malformed"),
        ("S-2;" + "x" * 131_073 + ";3;4;5;6;7;8;9;10", "item-malformed"),
    ],
)
def test_a_bad_row_is_reported_and_hides_no_other(line: str, code: str) -> None:
    """[FMT-006]"""
    text = csv([row(1)]) + line + "\r\n" + csv([row(3)]).partition("\r\n")[2]
    first, second, third, end = items(text.encode(), flat("csv"))
    assert isinstance(first, OfferItem)
    assert isinstance(second, BrokenItem)
    assert ("bretagne:S-2" if code == "row-width" else None, [code], 3) == (
        second.id,
        codes(second),
        second.position.line,
    )
    assert isinstance(third, OfferItem)
    assert FeedComplete(3) == end


@pytest.mark.parametrize("end", ['S-9;"never closed', 'S-9;"never\nclosed\n\n', "S-9;x;y"])
def test_a_file_that_ends_within_a_row_is_cut(end: str) -> None:
    """[FMT-002]"""
    assert "feed-cut" == unusable((csv([row(1)]) + end).encode(), flat("csv"))


def test_a_column_that_went_missing_changes_nothing_and_is_named() -> None:
    """[FMT-002]: the content of a missing column, restrictions perhaps, would be lost otherwise."""
    [end] = items(written("csv", [row()]), flat("csv", fields={"restrictions.rep": {"path": ["rep", "rep+"]}}))
    assert isinstance(end, FeedUnusable)
    assert ("columns-missing", ["rep | rep+"]) == (end.problems[0].code, end.problems[0].expected)


@pytest.mark.parametrize(
    "rule", [{"path": ["seats", "id"], "map": {"*": 1}}, {"path": "n", "default": 1}, {"path": "n", "optional": True}]
)
def test_a_column_with_a_fallback_may_be_missing(rule: dict[str, Any]) -> None:
    """[FMT-002]"""
    assert "bretagne:S-1" == only(written("csv", [row()]), flat("csv", fields={"seats": rule})).id


def test_columns_that_the_mapping_names_must_hold_what_its_rules_need() -> None:
    """[FMT-002]"""
    assert "columns-missing" == unusable(b"1;2\n", flat("csv", source={"columns": ["id", "title"]}))


@pytest.mark.parametrize("cell", ['"' + "x" * 1000 + '\n"', "x" * 1000])
def test_a_row_that_never_ends_changes_nothing(cell: str) -> None:
    """[FMT-005]"""
    pieces = ["a;b\n", *[cell + ";"] * (ITEM_CHARACTERS // 900)]
    [end] = items((piece.encode() for piece in pieces), flat("csv", source={"columns": list(row())}))[-1:]
    assert isinstance(end, FeedUnusable)
    assert "feed-malformed" == end.problems[0].code


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\0=")).filter(lambda cell: cell.strip() != "")


@pytest.mark.slow
@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=5), st.sampled_from(SEPARATORS))
def test_any_cells_come_back(rows: list[list[str]], separator: str) -> None:
    """[FMT-001]"""
    listed = [dict(zip("abc", cells, strict=True)) for cells in rows]
    assert listed == contents(csv(listed, separator), separator=separator)
