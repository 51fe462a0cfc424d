"""The journal's entries and their chain, and names apart from them."""

from collections.abc import Sequence

import pytest

from gateway.protocol.journal import (
    GENESIS,
    Act,
    Chain,
    JournalEntry,
    JournalFilter,
    PersonName,
    clean_act,
    clean_name,
    clean_reason,
    digest_of,
    entry_document,
    entry_record,
    erased_record,
    fold_names,
    name_record,
    read_entry,
)
from gateway.protocol.record import StoredRecord

NAME = PersonName("Name of a person", "00" * 16)


def entries(number: int, *, first: int = 1, previous: str = GENESIS) -> list[bytes]:
    """The values of a whole chain."""
    values: list[bytes] = []
    for n in range(first, first + number):
        entry = JournalEntry(
            number=n, previous=previous, id=f"{n}", at=n, act="partner.set", about=f"p{n}", why="Reason"
        )
        value = entry_record(entry).value or b""
        values.append(value)
        previous = digest_of(value)
    return values


def findings(values: Sequence[bytes]) -> list[str]:
    chain = Chain()
    return [wrong for value in values if (wrong := chain.take(value)[1]) is not None]


def test_an_entry_is_read_as_it_was_written_and_with_members_of_later_versions() -> None:
    entry = JournalEntry(
        number=7,
        previous="a" * 64,
        id="b",
        at=1_800_000_000_123,
        act="offer.moderate",
        about="bretagne:1",
        person=NAME.pseudonym,
        client="exploitation",
        details={"role": "publisher"},
        why="No employer",
        failed=6,
    )
    value = entry_record(entry).value or b""
    assert entry == read_entry(value)
    assert entry == read_entry(value[:-1] + b',"later":[1]}')
    with pytest.raises(ValueError, match="members"):
        read_entry(b'{"number":1}')


def test_a_whole_chain_has_no_finding_also_where_its_beginning_has_expired() -> None:
    assert [] == findings(entries(5))
    assert [] == findings(entries(5)[2:])
    assert [] == findings(entries(3, first=9))  # all entries before had expired


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda values: [values[0], values[1].replace(b"Reason", b"reason"), *values[2:]], "entry 3 does not name"),
        (lambda values: [*values[:2], *values[3:]], "entry 4 follows entry 2"),
        (lambda values: [*values[:2], values[1], *values[2:]], "entry 2 follows entry 2"),
        (lambda values: [values[0], values[2], values[1], *values[3:]], "entry 3 follows entry 1"),
        (lambda values: [values[0].replace(b'"number":1', b'"number":2'), *values[1:]], "entry 2 follows entry 2"),
        (lambda values: [values[0].replace(GENESIS.encode(), b"1" * 64), *values[1:]], "names an entry before"),
        (lambda values: [values[0], b"no entry", *values[2:]], "unreadable"),
    ],
    ids=["altered", "removed", "twice", "swapped", "renumbered", "with a false start", "replaced"],
)
def test_a_broken_chain_is_noticed(change: object, said: str) -> None:
    assert callable(change)
    found = findings(change(entries(5)))
    assert found
    assert said in " ".join(found)


def test_an_altered_last_entry_is_noticed_with_the_next_one() -> None:
    values = entries(3)
    forged = values[2].replace(b"Reason", b"Other ")
    following = entries(1, first=4, previous=digest_of(values[2]))
    assert ["entry 4 does not name entry 3 as it is: one of them was altered"] == findings(
        [*values[:2], forged, *following]
    )


def test_the_chain_has_a_digest_that_no_name_can_be_tried_against_without_its_salt() -> None:
    other = PersonName(NAME.name, "01" * 16)
    assert NAME.pseudonym != other.pseudonym
    assert 64 == len(NAME.pseudonym)
    assert NAME.name.encode() not in (entry_record(_by(NAME)).value or b"")


def _by(name: PersonName) -> JournalEntry:
    return JournalEntry(
        number=1, previous=GENESIS, id="1", at=1, act="partner.add", about="bretagne", person=name.pseudonym
    )


def test_a_name_that_was_erased_is_null_and_the_entry_stays() -> None:
    written, erased = name_record(NAME), erased_record(NAME.pseudonym)
    names = fold_names({}, [StoredRecord(0, 1, written.key, written.value)])
    assert "Name of a person" == entry_document(_by(NAME), names)["name"]
    names = fold_names(names, [StoredRecord(1, 2, erased.key, erased.value)])
    assert {"number", "at", "act", "about", "person", "name"} == entry_document(_by(NAME), names).keys()
    assert entry_document(_by(NAME), names)["name"] is None


def test_contact_data_is_redacted_in_reasons_and_details() -> None:
    """OFR-034's search, for what operators write."""
    act = Act(act="partner.set", about="x", why="Appelez le 06 12 34 56 78", details={"name": {"now": "a@example.org"}})
    clean = clean_act(act)
    assert "Appelez le […]" == clean.why
    assert {"name": {"now": "[…]"}} == clean.details
    assert clean == clean_act(clean)


@pytest.mark.parametrize("text", ["", "   ", "x" * 101, "a\x00b", "a\u202eb"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="characters"):
        clean_name(text)


def test_one_name_has_one_spelling() -> None:
    assert "Zoe\u0301 Durand".replace("e\u0301", "é") == clean_name("  Zoe\u0301 \n Durand ")


@pytest.mark.parametrize("text", ["x" * 1_001, "a\x1bb", "a\u2066b"])
def test_what_is_no_reason_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="characters"):
        clean_reason(text)


def test_an_empty_reason_is_none() -> None:
    assert clean_reason(" \n ") is None
    assert "two\nlines" == clean_reason("two\nlines ")


def test_entries_are_selected_by_every_filter() -> None:
    entry = JournalEntry(number=1, previous=GENESIS, id="1", at=5, act="offer.lift", about="a", person="p", client="c")
    for selecting in (
        JournalFilter(),
        JournalFilter(
            acts=frozenset({"offer.lift"}), about="a", persons=frozenset({"p"}), client="c", since=5, until=6
        ),
    ):
        assert selecting.selects(entry)
    for other in (
        JournalFilter(acts=frozenset({"offer.moderate"})),
        JournalFilter(about="b"),
        JournalFilter(persons=frozenset()),
        JournalFilter(client="d"),
        JournalFilter(since=6),
        JournalFilter(until=5),
    ):
        assert not other.selects(entry)
