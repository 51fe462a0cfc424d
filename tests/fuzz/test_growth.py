"""[SEC-010] No document costs more than its length: four times as much of anything is about four times the work."""

import gzip
from collections.abc import Callable

import orjson
import pytest

import schemas
from gateway.ingest.upload.inflating import Inflater
from gateway.ingest.upload.splitting import ArraySplitter, LineSplitter
from schemas.personal import redact
from tests.fuzz.growth import PHRASES, POINTERS, STEEP, STRUCTURES, TIMES, UNITS, steepness, texts, with_text
from tests.fuzz.pieces import read
from tests.schemas.documents import ON

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # half a minute of processor time

_SHORT = 5_000
_LONG = 24_500
_MAX_ANSWER = 300_000
"""Most bytes of an answer, in both languages, to one document of 100,000."""


def judge(raw: bytes) -> bytes:
    """The verdict as sent."""
    return orjson.dumps([problem.to_json() for problem in schemas.check(raw, on=ON).problems])


def test_square_work_is_noticed() -> None:
    """The measure itself can fail."""
    assert steepness(lambda text: [text.count("b") for _ in text], lambda n: "a" * n, 4_000) > STEEP


def repeated(unit: str, *, within: str = "") -> Callable[[int], str]:
    """Makes texts of a unit over and over, ``within`` a sign at either end."""
    return lambda length: within + unit * (length // len(unit)) + within


def test_the_search_for_personal_data_is_linear() -> None:
    """Any two things that mean something to it, over and over, also behind and before one at sign."""
    assert [unit for unit in texts() if steepness(redact, repeated(unit), _SHORT) > STEEP] == []
    assert [unit for unit in PHRASES if steepness(redact, repeated(unit, within="@"), _SHORT) > STEEP] == []


@pytest.mark.parametrize("pointer", POINTERS)
def test_no_text_is_slow_to_judge(pointer: str) -> None:
    schemas.validator("offer")
    assert [unit for unit in UNITS if steepness(judge, with_text(pointer, unit), _SHORT) > STEEP] == []


@pytest.mark.parametrize("name", STRUCTURES)
def test_no_document_is_slow_to_judge_or_long_to_answer(name: str) -> None:
    """Up to the size limit; and the answer is bounded."""
    schemas.validator("offer")
    make = STRUCTURES[name]
    assert _LONG * TIMES * 0.7 < len(make(TIMES * _LONG)) <= schemas.MAX_OFFER_BYTES
    assert steepness(judge, make, _LONG) < STEEP
    assert len(judge(make(TIMES * _LONG))) < _MAX_ANSWER


@pytest.mark.parametrize("unit", [b"\n", b"1\n", b'"\n', b" \n", b"x"])
def test_lines_are_split_in_linear_time(unit: bytes) -> None:
    def split(body: bytes) -> None:
        read(LineSplitter(item_bytes=100_000), _blocks(body))

    assert steepness(split, lambda n: unit * (n // len(unit)), 500_000) < STEEP


@pytest.mark.parametrize(
    "unit", [b"1,", b'"",', b'"', b'\\"', b"[],", b"[", b" ", b'{"a":1},', b'"' + b"x" * 99_000 + b'",']
)
def test_arrays_are_split_in_linear_time(unit: bytes) -> None:
    def split(body: bytes) -> None:
        read(ArraySplitter(item_bytes=100_000, array_bytes=1 << 26), _blocks(body))

    assert steepness(split, lambda n: b"[" + unit * (n // len(unit)) + b"1]", 500_000) < STEEP


@pytest.mark.parametrize("content", [b"", b"1\n", b"1\n" * 9_000])
def test_many_members_are_inflated_in_linear_time(content: bytes) -> None:
    member = gzip.compress(content)

    def inflate(body: bytes) -> None:
        read(Inflater(ratio=200), _blocks(body))

    assert steepness(inflate, lambda n: member * (n // len(member)), 500_000) < STEEP


def _blocks(body: bytes) -> list[bytes]:
    """As a request gives them."""
    return [body[at : at + 65_536] for at in range(0, len(body), 65_536)]
