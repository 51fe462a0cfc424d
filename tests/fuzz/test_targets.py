"""The targets of the long runs, with random inputs for seconds: no invariant is violated, and every outcome occurs."""

from collections.abc import Sequence

import pytest

from gateway.ingest.upload.splitting import LineSplitter
from tests.fuzz.pieces import Read, Refused, cut, headed, read
from tests.fuzz.splitting import ITEM_BYTES
from tests.fuzz.target import walk
from tests.fuzz.targets import TARGETS
from tests.fuzz.verdict import _check_clean

pytestmark = pytest.mark.slow

STEPS = {"check": 800, "lines": 8_000, "array": 4_000, "gzip": 1_500, "cursor": 10_000}


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_violates_an_invariant(name: str) -> None:
    """[OFR-038] [PUB-014] [PUB-024] [FEED-004] [SEC-006]: the same inputs each time, from seeds that are made here."""
    with TARGETS[name]() as target:
        outcomes = set()
        for raw in walk(target, seed=2027, steps=STEPS[name]):
            try:
                outcomes.add(target.run(raw))
            except Exception as error:
                error.add_note(f"the input: {raw!r}")
                raise
        assert target.outcomes - outcomes == set()


class _Forgetful(LineSplitter):
    """Loses the remainder of a block."""

    def feed(self, block: bytes) -> Sequence[bytes]:
        items = super().feed(block)
        self._rest = b""
        return items


def test_input_that_is_split_is_read_in_pieces() -> None:
    """The comparison can fail: a splitter that loses the rest of a block reads otherwise in pieces than in one."""
    blocks, body = cut(headed(b"12\n34\n", b"\x00\x00\x00"))
    assert (len(blocks), body) == (6, b"12\n34\n")
    assert Read((b"12", b"34")) == read(LineSplitter(item_bytes=ITEM_BYTES), blocks)
    assert read(_Forgetful(item_bytes=ITEM_BYTES), blocks) != read(_Forgetful(item_bytes=ITEM_BYTES), [body])
    assert Refused("line-too-long") == read(LineSplitter(item_bytes=1), blocks)


@pytest.mark.parametrize("text", ["écrire à jean@exemple.fr", "tél. 06 12 34 56 78", "0612345678.", "x@y-z.a.com"])
def test_data_that_redaction_missed_is_noticed(text: str) -> None:
    """The test's own patterns can fail."""
    with pytest.raises(AssertionError):
        _check_clean(text)
