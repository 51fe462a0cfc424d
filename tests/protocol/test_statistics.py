"""Counts in memory and as records: bounded, and read as they were written."""

import pytest

from gateway.protocol.refused_document import RefusedDocument
from gateway.protocol.statistics import (
    BROKEN,
    MAX_CELLS,
    UNBROKEN,
    Cell,
    CountRecord,
    Tally,
    count_record,
    read_counts,
)

DAY = "2027-01-15"


def test_a_submission_counts_once_and_under_each_of_its_rules() -> None:
    tally = Tally()
    tally.add("bretagne", DAY, "refused", rules=["a", "b", "a"], department="35")
    tally.add("bretagne", DAY, "accepted", number=3)
    assert {
        Cell(DAY, "bretagne", "refused", BROKEN, "35"): 1,
        Cell(DAY, "bretagne", "refused", "a", "35"): 1,
        Cell(DAY, "bretagne", "refused", "b", "35"): 1,
        Cell(DAY, "bretagne", "accepted", UNBROKEN, ""): 3,
    } == tally.take()
    assert {} == tally.take()


def test_beyond_the_bound_a_platforms_counts_lose_their_department_and_no_number() -> None:
    tally = Tally()
    for number in range(2 * MAX_CELLS):
        tally.add("bretagne", DAY, "refused", rules=["a"], department=f"{number}")
    tally.add("normandie", DAY, "refused", rules=["a"], department="14")
    counts = tally.take()
    assert MAX_CELLS + 2 + 2 == len(counts)
    assert 2 * MAX_CELLS == sum(n for cell, n in counts.items() if (cell.platform, cell.rule) == ("bretagne", BROKEN))
    assert 1 == counts[Cell(DAY, "normandie", "refused", "a", "14")]


def test_a_record_is_read_as_it_was_written() -> None:
    counts = {Cell(DAY, "bretagne", "refused", "a", "2A"): 2, Cell(DAY, "normandie", "stale", BROKEN, ""): 1}
    record = count_record(CountRecord("w", 7, counts))
    assert b"w" == record.key
    assert CountRecord("w", 7, counts) == read_counts(record.key, record.value)


REFUSED = (
    RefusedDocument(platform="bretagne", at=1_796_000_000_000, id="bretagne:1", fields={"a": "/title", "b": None}),
    RefusedDocument(platform="bretagne", at=1_796_000_000_001, index=7, fields={"a": "/weeks/0"}),
)


def test_named_documents_are_read_as_they_were_written() -> None:
    written = CountRecord("w", 7, {Cell(DAY, "bretagne", "refused", "a", ""): 2}, REFUSED)
    record = count_record(written)
    assert written == read_counts(record.key, record.value)


def test_a_record_without_named_documents_is_that_of_the_last_version() -> None:
    """Byte for byte; and the last version, which knows two members, reads the counts of a record that names some."""
    counts = {Cell(DAY, "bretagne", "refused", "a", "2A"): 2}
    plain = count_record(CountRecord("w", 7, counts)).value or b""
    assert b'{"number":7,"counts":{"2027-01-15":{"bretagne":{"refused":{"a":{"2A":2}}}}}}' == plain
    named = count_record(CountRecord("w", 7, counts, REFUSED)).value or b""
    assert plain[:-1] == named[: len(plain) - 1]


@pytest.mark.parametrize("text", ['{"later":1}', '[1,{"platform":"a","at":"x","fields":{}},{"at":1}]', "null", "7"])
def test_named_documents_of_a_later_form_are_left_out_and_the_counts_stay(text: str) -> None:
    value = f'{{"number":1,"counts":{{"{DAY}":{{"a":{{"refused":{{"*":{{"":4}}}}}}}}}},"refused":{text}}}'
    read = read_counts(b"w", value.encode())
    assert read is not None
    assert ([4], ()) == (list(read.counts.values()), read.refused)


def test_members_and_verdicts_of_a_later_version_are_read_over() -> None:
    text = b'{"number":1,"counts":{"2027-01-15":{"bretagne":{"later":{"":{"35":4}}}}},"later":[]}'
    read = read_counts(b"w", text)
    assert read is not None
    assert [4] == list(read.counts.values())
    assert read_counts(b"w", None) is None
    assert read_counts(None, text) is None
