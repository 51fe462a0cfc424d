"""Local copies: whose they are, and what becomes of them when they are not whole."""

import pytest

from gateway.damage import DamagedCopyError
from gateway.local_copy import LocalCopy


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
def path(tmp_path):
    copy = Words(tmp_path / "folder" / "copy.sqlite", log="one")
    copy.add("kept")
    copy.commit()
    copy.add("dropped")
    copy.close()
    return tmp_path / "folder" / "copy.sqlite"


def opened(path, kind=Words, log="one"):
    copy = kind(path, log=log)
    words = copy.words
    copy.close()
    return words


def test_what_was_committed_is_there_again(path):
    assert ["kept"] == opened(path)


def test_another_logs_is_thrown_away(path):
    assert [] == opened(path, log="two")
    assert [] == opened(path, log="one")


def test_another_formats_is_thrown_away(path):
    assert [] == opened(path, kind=NewerWords)


def test_a_damaged_one_is_thrown_away(path):
    path.write_bytes(b"not a database, but long enough to be looked at as one " * 100)
    assert [] == opened(path)


def test_one_that_is_cleared_begins_from_nothing(path):
    copy = Words(path, log="one")
    copy.clear()
    assert [] == copy.words
    copy.close()


def test_one_whose_making_was_interrupted_is_made_at_the_next_start(tmp_path):
    with pytest.raises(DamagedCopyError):
        Unmakeable(tmp_path / "copy.sqlite", log="one")
    assert [] == opened(tmp_path / "copy.sqlite")
