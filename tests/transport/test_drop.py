"""The newest file of a drop, independent of clocks: dates in the future neither exclude a file nor bring one back."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.transport.drop import DropFile, memory_of, newest, settled
from adapters.transport.feed import FeedError, Validators

DAY = 86_400.0
NOW = 1_796_000_000.0


@dataclass
class Listing:
    """The files of a drop, and the reader's memory of them."""

    files: dict[str, tuple[float, DropFile]] = field(default_factory=dict)
    known: Validators = field(default_factory=dict)
    now: float = NOW

    def put(self, name: str, at: float, size: int = 1) -> None:
        self.files[name] = (at, DropFile(name, size, repr(at)))

    def look(self) -> str | None:
        """The name of the file that is read now; None where that is the one read last."""
        found = newest(self.files.values(), "*", known=self.known, now=self.now)
        if found.is_known(self.known):
            return None
        self.known = found.validators
        return found.name


@pytest.fixture
def listing() -> Listing:
    return Listing()


def test_each_file_is_read_once_though_an_earlier_one_has_a_date_in_the_future(listing: Listing) -> None:
    listing.put("old", NOW - DAY)
    listing.put("ahead", NOW + 3_650 * DAY)
    assert ["ahead", None] == [listing.look(), listing.look()]
    for number in range(3):
        listing.now += DAY
        listing.put(f"new {number}", listing.now - 60)
        assert [f"new {number}", None] == [listing.look(), listing.look()]


def test_a_file_does_not_come_back_when_its_date_has_come(listing: Listing) -> None:
    listing.put("ahead", NOW + DAY)
    assert "ahead" == listing.look()
    listing.put("new", NOW - 1)
    assert "new" == listing.look()
    listing.now += 2 * DAY
    assert listing.look() is None
    listing.put("last", listing.now - 1)
    assert ["last", None] == [listing.look(), listing.look()]


def test_files_of_a_server_whose_clock_is_ahead_are_read_as_they_come(listing: Listing) -> None:
    for number in range(5):
        listing.now += DAY
        listing.put(f"export {number}", listing.now + 30 * DAY)
        assert [f"export {number}", None] == [listing.look(), listing.look()]


def test_files_of_a_server_that_is_set_right_are_read_as_they_come(listing: Listing) -> None:
    listing.put("ahead", NOW + 30 * DAY)
    assert "ahead" == listing.look()
    del listing.files["ahead"]
    listing.put("right", NOW - 60)
    assert ["right", None] == [listing.look(), listing.look()]


def test_one_file_that_is_written_again_is_read_again_whatever_its_date(listing: Listing) -> None:
    for at in (NOW + DAY, NOW + 2 * DAY, NOW - DAY, NOW + DAY, NOW):
        listing.put("export", at)
        assert ["export", None] == [listing.look(), listing.look()]


def test_our_own_clock_set_back_brings_no_older_file_back(listing: Listing) -> None:
    listing.put("yesterday", NOW - DAY)
    listing.put("today", NOW - 60)
    assert "today" == listing.look()
    for now in (NOW - 3_600, NOW - 2 * DAY, 0.0):
        listing.now = now
        assert listing.look() is None
    listing.put("tomorrow", NOW + DAY)
    assert "tomorrow" == listing.look()


def test_an_order_to_read_again_reads_the_newest_and_not_the_one_ahead(listing: Listing) -> None:
    listing.put("ahead", NOW + 3_650 * DAY)
    listing.look()
    listing.put("new", NOW)
    assert "new" == listing.look()
    listing.known = memory_of(listing.known)
    assert "new" == listing.look()


def test_an_order_to_read_again_reads_the_one_ahead_while_nothing_has_come_since(listing: Listing) -> None:
    listing.put("old", NOW - DAY)
    listing.put("ahead", NOW + DAY)
    listing.look()
    listing.known = memory_of(listing.known)
    assert ["ahead", None] == [listing.look(), listing.look()]


def test_a_memory_of_another_folder_reads_the_newest(listing: Listing) -> None:
    listing.known = {"ahead": "0123456789ab", "since": repr(NOW + DAY), "last": "0123456789ab"}
    listing.put("a", NOW - DAY)
    listing.put("b", NOW)
    assert "b" == listing.look()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-9, 9)), min_size=1, max_size=12))
def test_whatever_the_dates_a_new_name_beside_one_ahead_is_read(puts: list[tuple[str, float]]) -> None:
    """Every file with a date in the future is read by the next run after its writing."""
    listing = Listing()
    for number, (name, offset) in enumerate(puts):
        listing.put(f"{name}{number}", NOW + offset * DAY)
        read = listing.look()
        if offset > 0 and all(offset > other for _, other in puts[:number]):
            assert f"{name}{number}" == read
        assert listing.look() is None


async def test_the_time_that_a_file_must_stay_the_same_does_not_depend_on_its_date(listing: Listing) -> None:
    listing.put("ahead", NOW + DAY)

    async def look() -> list[tuple[float, DropFile]]:
        return list(listing.files.values())

    found = await settled(look, "*", known={}, seconds=0.001, clock=lambda: int(NOW * 1000))
    assert found is not None
    assert "ahead" == found.name
    again = await settled(look, "*", known=found.validators, seconds=0.001, clock=lambda: int(NOW * 1000))
    assert again is None

    async def growing() -> list[tuple[float, DropFile]]:
        at, entry = listing.files["ahead"]
        listing.files["ahead"] = (at, replace(entry, size=entry.size + 1))
        return await look()

    with pytest.raises(FeedError) as refused:
        await settled(growing, "*", known={}, seconds=0.001, clock=lambda: int(NOW * 1000))
    assert "feed-being-written" == refused.value.code
