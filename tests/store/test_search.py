"""The search index against a model of plain sets, under random changes and searches."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from gateway.protocol.visibility import Filter, Reader
from gateway.store import offer_rows
from gateway.store.log_offset import log_offset_of
from gateway.store.search import duplicate_index, index_store
from gateway.store.search.index_store import PERIOD, IndexWriter, RecentOffsets
from gateway.store.search.search import Search, count, find, rows_between, search_for
from gateway.store.search.search_index import (
    IndexChange,
    apply_change,
    needs_purge,
    new_segment,
    pack_chunk,
    purge,
    split,
    unpack_chunk,
)

PARTITIONS = 2
NUMBERS = 1_000_003
FACETS = [f"department:{number}" for number in range(4)] + ["week:1", "week:2", "rare", "audience:regions"]
FACETS += ["audience:national", "passed:a", "passed:b", "platform:a", "platform:b"]
GAPS = (1, 2, 700, 65_536, 1 << 32)

groups = st.lists(st.lists(st.sampled_from(FACETS[:7]), min_size=1, max_size=4, unique=True).map(tuple), max_size=3)
searches = st.builds(
    Search,
    groups=groups.map(tuple),
    audience=st.sampled_from(("audience:regions", "audience:national")),
    passed=st.sampled_from(("passed:a", "passed:b", "passed:nobody")),
    own=st.sampled_from((None, "platform:a", "platform:b")),
)


def matches(facets: frozenset[str], search: Search) -> bool:
    """The meaning of a search, for one offer."""
    grouped = all(facets.intersection(group) for group in search.groups)
    seen = search.audience in facets and search.passed not in facets
    return grouped and (seen or search.own in facets)


@dataclass
class Batch:
    """Numbers of added and removed offers of a transaction, with a seed each."""

    partition: int
    gap: int
    facets: list[frozenset[str]]
    gone: list[int] = field(default_factory=list)


batches = st.builds(
    Batch,
    partition=st.integers(0, PARTITIONS - 1),
    gap=st.sampled_from(GAPS),
    facets=st.lists(st.frozensets(st.sampled_from(FACETS), max_size=9), max_size=20),
    gone=st.lists(st.integers(0, 1 << 20), max_size=20),
)


class IndexMachine(RuleBasedStateMachine):
    """A writer, a follower of its file, and a dict of sets."""

    @initialize()
    def begin(self) -> None:
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.executescript(offer_rows.SCHEMA + index_store.SCHEMA + duplicate_index.SCHEMA)
        self.writer = IndexWriter(self.db, settled=True)
        self.follower = RecentOffsets.load(self.db)
        self.live: dict[int, frozenset[str]] = {}
        self.keys: set[tuple[int, int]] = set()
        self.ends = [0] * PARTITIONS
        self.followed = True

    @rule(batch=batches, commits=st.booleans(), keys=st.sets(st.tuples(st.integers(0, 3), st.integers(0, 9))))
    def change(self, batch: Batch, commits: bool, keys: set[tuple[int, int]]) -> None:  # noqa: FBT001  # hypothesis passes names
        """A transaction that is committed, or rolled back and then tried again."""
        order, first = sorted(self.live), self.ends[batch.partition] + batch.gap
        gone = sorted({order[number % len(order)] for number in batch.gone}) if order else []
        added = {log_offset_of(batch.partition, first + 2 * n): facets for n, facets in enumerate(batch.facets)}
        change = IndexChange(
            [(log_offset, log_offset % NUMBERS, sorted(facets)) for log_offset, facets in added.items()],
            gone,
            sorted(keys - self.keys),
            sorted(self.keys & keys),
        )
        for tried in (commits, True)[commits:]:
            self.db.execute("BEGIN")
            self.writer.withdraw()
            self.writer.write(self.db, change)
            self.db.execute("COMMIT" if tried else "ROLLBACK")
            if tried:
                self.writer.commit()
        self.live = {log_offset: facets for log_offset, facets in (self.live | added).items() if log_offset not in gone}
        self.keys ^= keys
        self.ends[batch.partition] = first + 2 * len(batch.facets)

    @rule()
    def end_period(self) -> None:
        """The next change is written after a fold."""
        self.writer._recent.size = PERIOD

    @rule()
    def restart(self) -> None:
        """The writer starts from the file."""
        self.writer = IndexWriter(self.db, settled=True)

    @rule()
    def follow(self) -> None:
        """The follower reads the changes, or everything if it has missed too many."""
        if not self.follower.catch_up(self.db):
            self.follower = RecentOffsets.load(self.db)
        for index in (self.follower.index, self.writer.index):
            assert sorted(self.live) == list(rows_between(index.segments, start=0, stop=1 << 62))
            for number in index.segments:
                inside = sorted(log_offset for log_offset in self.live if split(log_offset)[0] == number)
                for some in (inside, inside[::2], inside[1:]):  # all, with gaps, from the middle
                    expected = [log_offset % NUMBERS for log_offset in some]
                    assert not some or expected == list(index.segments[number].numbers_at(some))
            assert self.live.keys() == set(find(index.segments, EVERYTHING, start=0, stop=1 << 62)) | self.hidden()

    def hidden(self) -> set[int]:
        """The live offers that no search of everything finds."""
        return {log_offset for log_offset, facets in self.live.items() if not matches(facets, EVERYTHING)}

    @rule(
        search=searches,
        bounds=st.tuples(st.integers(0, PARTITIONS - 1), st.integers(0, 1 << 34), st.integers(0, 1 << 34)),
    )
    def search(self, search: Search, bounds: tuple[int, int, int]) -> None:
        """All of it, and between two offsets."""
        partition, start, stop = log_offset_of(bounds[0], 0), *sorted(bounds[1:])
        wanted = [log_offset for log_offset in sorted(self.live) if matches(self.live[log_offset], search)]
        segments = self.writer.index.segments
        assert len(wanted) == count(segments, search)
        assert wanted == list(find(segments, search, start=0, stop=log_offset_of(PARTITIONS, 0)))
        between = [log_offset for log_offset in wanted if partition + start <= log_offset < partition + stop]
        assert between == list(find(segments, search, start=partition + start, stop=partition + stop))

    @rule()
    def look_up_keys(self) -> None:
        """Written or pending, all keys are found, and earlier rows stay."""
        written = set(self.db.execute("SELECT key, number FROM duplicate_keys").fetchall())
        pending = {(key, number) for key, numbers in self.writer.index.pending.items() for number in numbers}
        assert written <= self.keys <= written | pending


EVERYTHING = search_for(Filter(), reader=Reader("nobody"), own=False)
TestIndex = IndexMachine.TestCase
TestIndex.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


def test_a_chunk_reads_back_the_same() -> None:
    """Numbers around the borders of a chunk, and of the last one of a segment."""
    offsets = [0, 65_535, 65_536, 131_071, (1 << 32) - 1]
    added: list[tuple[int, int, Sequence[str]]] = [
        (offset, offset // 7, ["a", "b"] if offset % 2 else ["gone:filled"]) for offset in offsets
    ]
    segment = apply_change({}, IndexChange(added, [], [], []))[0]
    found = new_segment()
    for chunk in (0, 1, 65_535):
        packed = pack_chunk(segment, chunk)
        assert packed is not None
        unpack_chunk(packed, found)
    assert (segment.postings, segment.numbers) == (found.postings, found.numbers)
    assert pack_chunk(segment, 2) is None
    assert [offset // 7 for offset in offsets] == list(found.numbers_at(offsets))


def test_a_segment_is_purged_when_most_of_it_is_dead() -> None:
    many = 70_000
    segments = apply_change({}, IndexChange([(offset, offset + 5, ["a"]) for offset in range(many)], [], [], []))
    assert not needs_purge(segments[0])
    added: list[tuple[int, int, Sequence[str]]] = [(many, 7, ["b"]), (many + 2, 9, ["gone:filled"])]
    after = apply_change(segments, IndexChange(added, list(range(many)), [], []))
    assert needs_purge(after[0])
    purged = purge(after[0])
    assert ({"", "b", "gone:filled"}, [many]) == (set(purged.postings), list(purged.postings["b"]))
    assert [7, 9] == list(purged.numbers_at([many, many + 2])) == list(purged.numbers)
    assert many == len(segments[0].live)  # as earlier searches still see it


def test_a_row_that_is_noted_again_after_a_rollback_counts_once() -> None:
    """The transaction after it may hold fewer records, and give other numbers."""
    tried = apply_change({}, IndexChange([(3, 1, ["a"])], [], [], []))
    apply_change(tried, IndexChange([(9, 2, ["a"]), (12, 3, ["b"])], [], [], []))  # never committed
    segment = apply_change(tried, IndexChange([(5, 2, ["b"]), (9, 4, ["a"])], [], [], []))[0]
    assert [1, 2, 4] == list(segment.numbers_at([3, 5, 9]))
    assert [3, 5, 9] == list(segment.live)
