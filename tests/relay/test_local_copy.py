"""Local copies: their identity, and their rebuild after damage."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import LogUnavailableError
from gateway.protocol.submission import Known, Reason
from gateway.runtime.sqlite_damage import DamagedCopyError
from gateway.store.local_copy import LocalCopy
from gateway.store.relay_state import RelayState
from tests.faults.disk import SmallDisk, disk_unavailable, small_disk
from tests.harness import replace_bytes

pytestmark = pytest.mark.slow


class Words(LocalCopy):
    FORMAT = 1
    LAYOUT = "CREATE TABLE word (text TEXT);"

    def add(self, text: str) -> None:
        self._db.execute("INSERT INTO word VALUES (?)", (text,))

    def commit(self) -> None:
        self._db.commit()

    @property
    def words(self) -> list[str]:
        return [text for (text,) in self._db.execute("SELECT text FROM word")]


class NewerWords(Words):
    FORMAT = 2


class Unmakeable(Words):
    LAYOUT = "CREATE TABLE word (text TEXT); CREATE TABLE word (text TEXT);"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    copy = Words(tmp_path / "folder" / "copy.sqlite", log="one")
    copy.add("kept")
    copy.commit()
    copy.add("dropped")
    copy.close()
    return tmp_path / "folder" / "copy.sqlite"


def opened(path: Path, kind: type[Words] = Words, log: str = "one") -> list[str]:
    copy = kind(path, log=log)
    words = copy.words
    copy.close()
    return words


def test_committed_rows_are_there_after_reopening(path: Path) -> None:
    assert ["kept"] == opened(path)


def test_a_copy_of_another_log_is_deleted(path: Path) -> None:
    assert [] == opened(path, log="two")
    assert [] == opened(path, log="one")


def test_a_copy_of_another_format_is_deleted(path: Path) -> None:
    assert [] == opened(path, kind=NewerWords)


def test_a_damaged_copy_is_deleted(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be looked at as one " * 100)
    assert [] == opened(path)


def test_a_cleared_copy_is_empty(path: Path) -> None:
    copy = Words(path, log="one")
    copy.clear()
    assert [] == copy.words
    copy.close()


def test_a_copy_whose_creation_was_interrupted_is_created_at_the_next_start(tmp_path: Path) -> None:
    with pytest.raises(DamagedCopyError):
        Unmakeable(tmp_path / "copy.sqlite", log="one")
    assert [] == opened(tmp_path / "copy.sqlite")


def known(revision: int, reason: Reason | None = None) -> Known:
    return Known(
        revision=revision,
        digest="ab" * 16,
        sequence=7,
        position=3,
        appended_at=5,
        reason=reason,
        expires_on="2027-06-27",
        provenance=("bretagne",),
        shared=frozenset({"normandie"}),
        never=frozenset(),
    )


@pytest.fixture
def relayed(tmp_path: Path) -> Path:
    state = RelayState(tmp_path / "relay-0.sqlite", log="one")
    state.put({"bretagne:1": known(1), "bretagne:2": known(2, reason="moderated")})
    state.keep(position=9)
    state.close()
    return tmp_path / "relay-0.sqlite"


def test_the_relays_state_is_not_used_after_a_byte_has_changed(relayed: Path) -> None:
    replace_bytes(relayed, b"moderated", b"modereted")
    state = RelayState(relayed, log="one")
    assert ({}, 0) == (state.known(["bretagne:1", "bretagne:2"]), state.position)
    state.close()


def test_damage_that_is_found_later_stops_every_use_until_the_copy_is_rebuilt(relayed: Path) -> None:
    state = RelayState(relayed, log="one")
    other = sqlite3.connect(relayed)
    other.execute("UPDATE known SET reason = 'modereted' WHERE reason = 'moderated'")
    other.commit()
    other.close()
    with pytest.raises(DamagedCopyError, match=str(relayed)), state.guarded():
        state.known(["bretagne:2"])
    with pytest.raises(DamagedCopyError):
        state.require_whole()
    with pytest.raises(DamagedCopyError), state.guarded():
        raise AssertionError("nothing is decided by a copy of which a part is missing")
    state.mend()
    with state.guarded():
        assert ({}, 0) == (state.known(["bretagne:2"]), state.position)
    state.close()


def test_a_position_that_has_changed_is_damage(relayed: Path) -> None:
    other = sqlite3.connect(relayed)
    other.create_function("checksum", -1, lambda *_: 0, deterministic=True)
    other.execute("UPDATE position SET position = 8")
    other.commit()
    other.close()
    state = RelayState(relayed, log="one")
    assert 0 == state.position
    state.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    unavailable = disk_unavailable(tmp_path)
    if unavailable:
        pytest.skip(unavailable)
    with small_disk(tmp_path / "disk", megabytes=2) as disk:
        yield disk


def test_a_full_disk_passes(disk: SmallDisk) -> None:
    state = RelayState(disk.folder / "relay-0.sqlite", log="one")
    state.put({"bretagne:1": known(1)})
    state.keep(position=1)
    disk.fill()
    with pytest.raises(LogUnavailableError, match="free space") as failed, state.guarded():  # noqa: PT012  # by the disk
        for number in range(50_000):
            state.put({f"bretagne:{number}": known(number)})
            state.keep(position=number)
    assert not isinstance(failed.value, DamagedCopyError)
    disk.free()
    state.drop()
    with state.guarded():
        assert {"bretagne:1"} <= set(state.known(["bretagne:1"]))
        state.put({"bretagne:new": known(1)})
        state.keep(position=60_000)
        assert {"bretagne:new"} == set(state.known(["bretagne:new"]))
    state.close()


def test_a_full_disk_while_a_copy_is_opened_passes(disk: SmallDisk) -> None:
    disk.fill()
    with pytest.raises(LogUnavailableError, match=f"{disk.folder / 'relay-0.sqlite'} cannot be used"):
        RelayState(disk.folder / "relay-0.sqlite", log="one")
    disk.free()
    RelayState(disk.folder / "relay-0.sqlite", log="one").close()
