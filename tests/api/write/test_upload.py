"""Uploads that are too large, too slow, truncated or of another type than declared: nothing of them is stored."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from gateway.api.context import Limits
from gateway.ingest.upload.receive import BLOCK_BYTES
from tests.api.write.gateway_harness import GatewayHarness, ndjson, offer, opened

pytestmark = pytest.mark.slow

HEAD = (
    "POST /v1/offers/batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer bretagne\r\n"
    "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n{more}\r\n"
)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def test_a_gzip_bomb_is_defused(gateway: GatewayHarness) -> None:
    """ERR-005: inflating stops at the ratio, long before the end."""
    bomb = gzip.compress(b"\n" * 200_000_000, 9)
    answer = await gateway.batch(bomb, headers={"Content-Encoding": "gzip"})
    assert (413, "inflates-too-much") == (answer.status, answer.code)


@pytest.mark.parametrize("cut", [1, 4, 9, 40])
async def test_a_truncated_gzip_stores_nothing(gateway: GatewayHarness, cut: int) -> None:
    """ERR-001, PUB-015: the end of the stream must be there, whatever could be inflated."""
    whole = gzip.compress(ndjson(*(offer(number) for number in range(50))))
    answer = await gateway.batch(whole[:-cut], headers={"Content-Encoding": "gzip"})
    assert (400, "body-truncated") == (answer.status, answer.code)
    assert [] == await gateway.submitted()


async def test_a_body_that_is_not_gzip_stores_nothing(gateway: GatewayHarness) -> None:
    """ERR-001: plain text under a gzip header, and rubbish after a whole member."""
    plain = await gateway.batch(ndjson(offer(1)), headers={"Content-Encoding": "gzip"})
    assert (400, "body-malformed") == (plain.status, plain.code)
    after = await gateway.batch(gzip.compress(ndjson(offer(1))) + b"more", headers={"Content-Encoding": "gzip"})
    assert (400, "body-malformed") == (after.status, after.code)
    empty = await gateway.batch(b"", headers={"Content-Encoding": "gzip"})
    assert (400, "body-truncated") == (empty.status, empty.code)
    assert [] == await gateway.submitted()


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
async def test_other_encodings_are_refused(gateway: GatewayHarness, encoding: str) -> None:
    """ERR-004: never taken raw."""
    body = zlib.compress(ndjson(offer(1)))
    answer = await gateway.batch(body, headers={"Content-Encoding": encoding})
    assert (415, "content-encoding") == (answer.status, answer.code)


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/xml", "application/x-ndjson; charset=utf-16"])
async def test_other_types_are_refused(gateway: GatewayHarness, media_type: str) -> None:
    """ERR-004: also when none is given."""
    answer = await gateway.ask(
        "POST", "/v1/offers/batch", body=ndjson(offer(1)), headers={"Content-Type": media_type} if media_type else {}
    )
    assert (415, "media-type") == (answer.status, answer.code)


async def test_a_hundred_megabytes_on_one_line_are_not_kept(gateway: GatewayHarness) -> None:
    """ERR-005: reading stops at the limit of a line; the connection is not left hanging."""

    async def endless() -> AsyncIterator[bytes]:
        yield ndjson(offer(1)) + b'{"title":"'
        for _ in range(100):
            yield b"x" * 1_000_000

    try:
        answer = await gateway.batch(endless())
    except OSError:  # the gateway hung up before all of it was sent
        pass
    else:
        assert (413, "line-too-long") == (answer.status, answer.code)
    assert [] == await gateway.submitted()


async def test_a_line_above_the_limit_is_refused(gateway: GatewayHarness) -> None:
    """ERR-005: one that ends, too; the problem says which."""
    answer = await gateway.batch(ndjson(offer(1), {"x": "x" * 100_000}), headers={"Accept-Language": "en"})
    assert (413, "line-too-long") == (answer.status, answer.code)
    assert "Offer 1 " in answer.body["detail"]


async def test_an_array_above_the_limit_is_refused(tmp_path: Path) -> None:
    """ERR-005: an array has a limit of its own, counted after inflating."""
    async with opened(tmp_path, limits=Limits(array_bytes=5_000), working=False) as gateway:
        body = b"[" + b",".join(ndjson(offer(number)).strip() for number in range(20)) + b"]"
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        answer = await gateway.ask("POST", "/v1/offers/batch", body=gzip.compress(body), headers=headers)
        assert (413, "body-too-large") == (answer.status, answer.code)


@pytest.mark.parametrize(
    "text", [b"{}", b"[{}", b"[{},]", b"[,{}]", b'[{}] "more"', b"[}", b"[{]", b'["unended]', b"", b"[{}}"]
)
async def test_a_broken_array_stores_nothing(gateway: GatewayHarness, text: bytes) -> None:
    """ERR-001, PUB-015: refused as a whole or item by item, never queued."""
    answer = await gateway.batch(text, query="?partial=true", headers={"Content-Type": "application/json"})
    assert answer.status in {400, 422}
    assert [] == await gateway.submitted()


def left_in(folder: Path) -> list[Path]:
    """Files left in the spool, which creates its folder on demand."""
    return list(folder.glob("*"))


async def test_an_upload_above_every_platforms_quota_is_413(tmp_path: Path) -> None:
    """ERR-005: the disk is bounded, and free again afterwards; no client is asked to repeat a hopeless upload."""
    async with opened(tmp_path, limits=Limits(spool_bytes=20_000), working=False) as gateway:
        large = await gateway.batch(ndjson(*(offer(number) for number in range(100))))
        assert (413, "body-too-large", None) == (large.status, large.code, large.headers.get("Retry-After"))
        assert "15000 " in large.body["detail"]
        assert 202 == (await gateway.batch(ndjson(offer(1)))).status
        assert [] == left_in(tmp_path / "spool")


async def test_a_platform_does_not_fill_the_spool_alone(tmp_path: Path) -> None:
    """ERR-008: while it holds all that it gets, others are received."""
    async with opened(tmp_path, limits=Limits(spool_bytes=40_000), working=False) as gateway:
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(HEAD.format(more="").encode())
        async with asyncio.timeout(20):
            for number in count():
                writer.write(chunk(ndjson(offer(number)) + b" " * BLOCK_BYTES))
                mine = await gateway.batch(ndjson(*(offer(f"more-{more}") for more in range(4))))
                if mine.status != 202:
                    break
        assert (503, "spool-full") == (mine.status, mine.code)
        assert int(mine.headers["Retry-After"]) > 0
        others = (offer(number, platform="normandie") for number in range(4))
        assert 202 == (await gateway.batch(ndjson(*others), who="normandie")).status
        writer.close()


async def test_more_items_than_an_upload_may_have_are_refused(tmp_path: Path) -> None:
    """ERR-005: the bytes of each are few, its judging and its problems are not."""
    async with opened(tmp_path, limits=Limits(upload_items=3), working=False) as gateway:
        headers = {"Content-Type": "application/json", "Accept-Language": "en"}
        answer = await gateway.batch(b"[1,1,1,1]", query="?partial=true", headers=headers)
        assert (413, "too-many-items") == (answer.status, answer.code)
        assert "3" in answer.body["detail"]
        assert 422 == (await gateway.batch(b"[1,1,1]", headers=headers)).status


async def test_a_client_that_stops_sending_is_disconnected(tmp_path: Path) -> None:
    """ERR-007: 408 when nothing arrives for too long."""
    async with opened(tmp_path, limits=Limits(read_seconds=0.3), working=False) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(HEAD.format(more="").encode() + chunk(ndjson(offer(1))))
        async with asyncio.timeout(5):
            assert b" 408 " in await reader.readline()
        writer.close()
        assert [] == await gateway.submitted()


async def test_a_client_that_trickles_is_disconnected(tmp_path: Path) -> None:
    """ERR-007: 408 when the whole takes too long, however steadily it comes."""
    async with opened(tmp_path, limits=Limits(read_seconds=5, upload_seconds=0.5), working=False) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(HEAD.format(more="").encode())
        answer = asyncio.create_task(reader.readline())
        async with asyncio.timeout(5):
            while not answer.done():
                writer.write(chunk(b" "))
                await asyncio.sleep(0.02)
        assert b" 408 " in answer.result()
        writer.close()


async def test_a_client_that_disconnects_leaves_nothing(gateway: GatewayHarness) -> None:
    """PUB-015: nothing is queued before all of it has arrived and been judged."""
    for ending in (b"", b"zz\r\n"):
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(HEAD.format(more="").encode() + chunk(ndjson(*(offer(n) for n in range(200)))) + ending)
        await writer.drain()
        await asyncio.sleep(0)
        writer.transport.abort()
    async with asyncio.timeout(5):  # until their slots are free again
        while (await gateway.batch(ndjson(offer("last")))).status != 202:
            await asyncio.sleep(0.01)
    assert {"bretagne:last"} == {one["id"] for one in await gateway.submitted()}


async def test_a_broken_transfer_is_the_clients_fault(gateway: GatewayHarness) -> None:
    """ERR-001: a chunk whose size is no number."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(HEAD.format(more="").encode() + chunk(ndjson(offer(1))) + b"zz\r\n")
    async with asyncio.timeout(5):
        assert b" 400 " in await reader.readline()
    writer.close()
    assert [] == await gateway.submitted()


async def test_uploads_beyond_the_number_at_once_are_503(tmp_path: Path) -> None:
    """ERR-008: refused at once, not queued; one partner cannot take every slot."""
    async with opened(tmp_path, limits=Limits(uploads_at_once=2), working=False) as gateway:
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(HEAD.format(more="").encode())
        async with asyncio.timeout(5):
            while (mine := await gateway.batch(ndjson(offer(1)))).status == 202:
                await asyncio.sleep(0.01)
        assert (503, "uploads-busy") == (mine.status, mine.code)
        other = await gateway.batch(ndjson(offer(1, platform="normandie")), who="normandie")
        assert 202 == other.status
        writer.write(chunk(ndjson(offer(2))) + b"0\r\n\r\n")
        async with asyncio.timeout(5):
            while (await gateway.batch(ndjson(offer(3)))).status != 202:
                await asyncio.sleep(0.01)
        writer.close()


async def test_a_client_that_does_not_read_its_answer_is_disconnected(tmp_path: Path) -> None:
    """ERR-007: its slot and its spool are free again."""
    limits = Limits(uploads_at_once=1, read_seconds=0.5)
    lines = ndjson(*({"id": f"bretagne:{number}"} for number in range(3_000)))  # each is answered with many problems
    async with opened(tmp_path, limits=limits, working=False) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=1_000)
        writer.write(HEAD.format(more="").encode() + chunk(lines) + b"0\r\n\r\n")
        await reader.readline()  # the answer has begun; the client reads no further
        async with asyncio.timeout(20):
            while (await gateway.batch(ndjson(offer(1)))).status != 202:
                await asyncio.sleep(0.02)
        writer.transport.abort()
