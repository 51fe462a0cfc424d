"""Inflating: whole gzip streams in any pieces, never a cut one, never a bomb."""

import gzip
import random
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UploadRefusedError
from gateway.ingest.upload.inflating import Inflater

pytestmark = pytest.mark.slow


def inflate(body: bytes, *, step: int = 65_536, ratio: int = 200) -> bytes:
    inflater = Inflater(ratio=ratio)
    found = bytearray()
    for at in range(0, len(body), step):
        for piece in inflater.feed(body[at : at + step]):
            found += piece
    for piece in inflater.finish():
        found += piece
    return bytes(found)


def refusal_of(body: bytes, *, step: int = 65_536, ratio: int = 200) -> str:
    with pytest.raises(UploadRefusedError) as refused:
        inflate(body, step=step, ratio=ratio)
    return refused.value.code


@given(members=st.lists(st.binary(max_size=2_000), min_size=1, max_size=4), step=st.integers(1, 3_000))
def test_members_one_after_another_come_out_whole_in_any_pieces(members: list[bytes], step: int) -> None:
    body = b"".join(gzip.compress(member) for member in members)

    assert b"".join(members) == inflate(body, step=step)


@given(body=st.binary(min_size=1, max_size=3_000), data=st.data())
def test_a_stream_cut_anywhere_is_refused(body: bytes, data: st.DataObject) -> None:
    """A cut snapshot must withdraw nothing: PUB-024"""
    whole = gzip.compress(body)
    cut = whole[: data.draw(st.integers(1, len(whole) - 1))]

    assert "body-truncated" == refusal_of(cut)


def test_a_second_member_that_is_cut_is_refused() -> None:
    body = gzip.compress(b"one\n") + gzip.compress(b"two\n")

    assert "body-truncated" == refusal_of(body[:-3])


def test_an_empty_body_is_no_gzip_stream() -> None:
    assert "body-truncated" == refusal_of(b"")


def test_a_body_that_is_not_gzip_is_refused() -> None:
    assert "body-malformed" == refusal_of(b'{"id":"bretagne:1"}\n')


def test_the_zlib_format_is_not_gzip() -> None:
    assert "body-malformed" == refusal_of(zlib.compress(b"one\n"))


def test_rubbish_behind_a_member_is_refused() -> None:
    assert "body-malformed" == refusal_of(gzip.compress(b"one\n") + b"rubbish")


def test_a_wrong_checksum_is_refused() -> None:
    whole = bytearray(gzip.compress(b"one\n" * 50))
    whole[-6] ^= 0xFF

    assert "body-malformed" == refusal_of(bytes(whole))


def test_a_bomb_is_refused_before_it_is_fully_inflated() -> None:
    """ERR-005: a gigabyte out of a megabyte is never held, nor waited for."""
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1_000_000)
    bomb = b"".join(packer.compress(zeros) for _ in range(1_000)) + packer.flush()
    tracemalloc.start()

    code = refusal_of(bomb)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "inflates-too-much" == code
    assert peak < 20_000_000


def test_highly_compressible_content_within_the_ratio_passes() -> None:
    words = [b"stage", b"seconde", b"menuiserie", b"atelier", b"Rennes"]
    body = b" ".join(random.Random(3).choices(words, k=300_000))

    assert body == inflate(gzip.compress(body))


def test_inflated_pieces_are_small_for_any_input() -> None:
    body = gzip.compress(random.Random(4).randbytes(30_000) * 100)
    inflater = Inflater(ratio=200)

    assert max(map(len, inflater.feed(body))) <= 256 * 1024


def test_the_ratio_counts_from_the_first_bytes_on() -> None:
    """ERR-005: 184 bytes that hold 150 kB."""
    assert "inflates-too-much" == refusal_of(gzip.compress(b"{}\n" * 50_000, 9))


def test_a_stream_of_next_to_empty_members_is_refused() -> None:
    """ERR-005: each costs as much as a large one."""
    assert "gzip-members" == refusal_of(gzip.compress(b"") * 1_000)
    assert "gzip-members" == refusal_of(gzip.compress(b"x") * 1_000, step=30)


def test_one_member_for_each_offer_is_no_abuse() -> None:
    body = random.Random(5).randbytes(200)
    assert body * 2_000 == inflate(gzip.compress(body) * 2_000)
