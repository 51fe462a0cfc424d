"""Checksums of the rows of a local copy: what SQLite joins is what Python joins."""

import sqlite3
from contextlib import closing
from random import Random
from typing import Any

import pytest

from gateway.runtime.sqlite_damage import ChecksumError, check_rows, checksum, register

TABLES = {"row": ("key", "number", "text", "bytes", "missing")}
_LETTERS = "aé€😀\x00\x1f\n'%"


def values(random: Random) -> tuple[Any, ...]:
    text = "".join(random.choices(_LETTERS, k=random.randrange(12)))
    number = random.choice([0, -1, random.randrange(-(2**63), 2**63), None])
    return number, text, random.randbytes(random.randrange(12)), random.choice([None, "None", ""])


def filled(random: Random) -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    register(database)
    database.execute(
        "CREATE TABLE row (key TEXT PRIMARY KEY, number INTEGER, text TEXT, bytes BLOB, missing, sum) WITHOUT ROWID"
    )
    rows = [(f"k{number}", *values(random)) for number in range(500)]
    database.executemany("INSERT INTO row VALUES (?, ?, ?, ?, ?, ?)", [(*row, checksum(*row)) for row in rows])
    return database


@pytest.mark.parametrize("seed", range(4))
def test_whole_rows_pass(seed: int) -> None:
    with closing(filled(Random(seed))) as database:
        check_rows(database, TABLES)


@pytest.mark.parametrize(
    "change",
    [
        "number = ifnull(number, 0) + 1",
        "text = text || ' '",
        "text = substr(text, 2) || 'x'",
        "bytes = CAST(bytes || x'00' AS BLOB)",
        "missing = iif(missing IS NULL OR missing = 'None', '', NULL)",
        "sum = sum + 1",
        "sum = NULL",
        "key = 'k999'",
    ],
)
def test_a_changed_row_does_not(change: str) -> None:
    with closing(filled(Random(5))) as database:
        database.execute(f"UPDATE row SET {change} WHERE key = 'k250'")
        with pytest.raises(ChecksumError, match="1 rows of the table row"):
            check_rows(database, TABLES)
