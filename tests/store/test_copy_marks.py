"""A local copy is checked when it is opened, unless it was checked since the machine started, without a write since."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.runtime.checked_file import marker
from gateway.store.copy_file import CopyFile
from tests.damage.decay import decaying

LAYOUT = "CREATE TABLE words (word TEXT, sum INTEGER); INSERT INTO words VALUES ('gare', 1);"


def copy_file(path: Path, boot: str | None = "this boot") -> CopyFile:
    return CopyFile(path, about={"log": "a"}, layout=LAYOUT, tables={"words": ("word",)}, boot=lambda: boot)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A copy that was closed, and has damage since: the checksum of its row is wrong."""
    path = tmp_path / "copy.sqlite"
    file = copy_file(path)
    file.close(file.open())
    return path


def is_rebuilt(file: CopyFile, path: Path) -> bool:
    before = path.stat().st_ino
    with path.open("rb"):  # keeps the inode from its next user
        file.close(file.open())
        return path.stat().st_ino != before


def test_a_copy_is_not_checked_again(path: Path) -> None:
    assert not is_rebuilt(copy_file(path), path)
    assert not is_rebuilt(copy_file(path), path)


@pytest.mark.parametrize("boot", ["another boot", None])
def test_after_a_start_of_the_machine_it_is_checked_first(path: Path, boot: str | None) -> None:
    assert is_rebuilt(copy_file(path, boot), path)


def test_a_copy_of_a_killed_process_is_not_checked(path: Path) -> None:
    copy_file(path).open().close()
    change(path)
    assert not is_rebuilt(copy_file(path), path)


@pytest.mark.parametrize("close", [True, False])
def test_a_copy_that_somebody_wrote_to_after_the_clean_stop_is_checked_first(path: Path, close: bool) -> None:  # noqa: FBT001
    """Also where the change is only in its write-ahead log."""
    connection = change(path)
    if close:
        connection.close()
    assert is_rebuilt(copy_file(path), path)


def test_damage_that_is_found_is_found_at_the_next_start_too(path: Path) -> None:
    file = copy_file(path)
    database = file.open()
    with pytest.raises(Exception, match="damaged"), file.guarded():
        raise sqlite3.DatabaseError
    file.close(database)
    assert marker(path).exists()
    assert is_rebuilt(copy_file(path), path)
    assert not marker(path).exists()


def test_a_decayed_copy_is_opened(path: Path) -> None:
    """Its rows are checked when they are read, and all of it beside the running gateway."""
    with decaying(path), closing(change(path)):
        pass
    assert not is_rebuilt(copy_file(path), path)


def change(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("UPDATE words SET word = 'gard'")
    return connection
