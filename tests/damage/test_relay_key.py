"""The relay's table with a damaged key: an offer that is known is never taken for a new one."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from gateway.protocol.submission import Known
from gateway.runtime.checked_file import marker
from gateway.runtime.sqlite_damage import DamagedCopyError, register
from gateway.store.relay_state import RelayState

pytestmark = pytest.mark.slow

KEYS = tuple(f"bretagne:{number}" for number in range(1_000, 2_000))


def known(number: int) -> Known:
    return Known(revision=3, digest="aa" * 16, sequence=number + 1, position=number, appended_at=number)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "relay-0.sqlite"


@pytest.fixture
def state(path: Path) -> Iterator[RelayState]:
    made = RelayState(path, log="a log")
    made.put({key: known(number) for number, key in enumerate(KEYS)})
    made.keep(position=len(KEYS))
    yield made
    made.close()


def damage(path: Path, key: str, random: Random) -> None:
    """Change one byte of every copy of a key in the file, and have the pages read again."""
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    at = random.randrange(len(key))
    wrong = bytearray(key.encode())
    wrong[at] ^= random.randrange(1, 256)
    content = path.read_bytes()
    assert key.encode() in content
    path.write_bytes(content.replace(key.encode(), bytes(wrong)))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        register(other)
        other.execute("UPDATE position SET position = position")


@pytest.mark.parametrize("seed", range(40))
def test_a_row_whose_key_is_damaged_is_not_unknown(state: RelayState, path: Path, seed: int) -> None:
    random = Random(seed)
    key = random.choice(KEYS)
    damage(path, key, random)
    with pytest.raises(DamagedCopyError), state.guarded():
        state.known([key])


@pytest.mark.parametrize("seed", range(4))
def test_no_other_row_becomes_unknown(state: RelayState, path: Path, seed: int) -> None:
    """A damaged key may misdirect the search for others."""
    random = Random(seed)
    damaged = random.choice(KEYS)
    damage(path, damaged, random)
    for key in KEYS:
        state._file._damage = None  # each one by itself
        marker(path).unlink(missing_ok=True)
        try:
            with state.guarded():
                found = state.known([key])
        except DamagedCopyError:
            continue
        assert key in found


def test_an_unknown_offer_is_unknown(state: RelayState) -> None:
    for key in ("a:1", "bretagne:", "bretagne:1000x", "bretagne:2000", "zz:1"):
        assert {} == state.known([key])
