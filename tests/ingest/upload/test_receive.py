"""Receiving: from bytes to a judged spool, on disk beyond a few megabytes, within a disk quota; all is freed."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

import orjson
import pytest

from gateway.errors import QueuingStoppedError, UploadRefusedError
from gateway.ingest.submissions import Submissions
from gateway.ingest.upload.judge import Author, BatchJudge
from gateway.ingest.upload.receive import ContentForm, UploadLimits, receive
from gateway.ingest.upload.spool import DiskQuota, JudgedItem, Spool
from gateway.ingest.upload.upload import AppendStatus, OwnPace, Upload, queue_upload
from gateway.protocol.seal import ReceiptIds
from gateway.protocol.topic import COMMON, SUBMISSIONS
from tests.memory_log import MemoryLog, WriteFault

pytestmark = pytest.mark.slow

NOW = 1_796_000_000_000
LINES = ContentForm(kind="lines", gzip=False)


class Pieces:
    """A client that sends these pieces and then continues as given."""

    def __init__(self, pieces: Iterable[bytes], *, then: BaseException | None = None) -> None:
        self._pieces = iter(pieces)
        self._then = then

    async def __call__(self) -> bytes:
        piece = next(self._pieces, b"")
        if not piece and self._then is not None:
            raise self._then
        return piece


def withdrawals(numbers: Iterable[int]) -> bytes:
    items = ({"id": f"bretagne:{number}", "revision": 1, "withdrawn": "filled"} for number in numbers)
    return b"".join(orjson.dumps(item) + b"\n" for item in items)


def limits(folder: Path, *, quota: DiskQuota | None = None) -> UploadLimits:
    return UploadLimits(
        items=100_000,
        item_bytes=1_000,
        array_bytes=100_000,
        inflate_ratio=200,
        read_seconds=5,
        upload_seconds=5,
        folder=folder,
        quota=quota or DiskQuota(100_000_000),
    )


@pytest.fixture
async def log() -> MemoryLog:
    log = MemoryLog(clock=lambda: NOW)
    await log.create_topics(COMMON)
    return log


@pytest.fixture
def submissions(log: MemoryLog) -> Submissions:
    return Submissions(log, ids=ReceiptIds(b"k" * 32), clock=lambda: NOW)


@pytest.fixture
def judge(submissions: Submissions) -> BatchJudge:
    return BatchJudge(submissions, Author(publisher="bretagne", hosts={}, on=date(2026, 11, 30)))


async def test_items_are_judged_and_reported_in_order(judge: BatchJudge, tmp_path: Path) -> None:
    """PUB-014: refused ones among accepted ones."""
    body = withdrawals([1]) + b"{}\n" + withdrawals([2])
    upload = await receive(Pieces([body[:50], body[50:]]), judge, form=LINES, limits=limits(tmp_path))

    assert (3, 1) == (upload.count, upload.refused)
    assert ["bretagne:1", None, "bretagne:2"] == list(upload.ids())
    assert [True, False, True] == [receipt is not None for _, receipt in upload.results()]
    assert [[0, 2]] == [[index for index, _ in slice_] for slice_ in upload.slices()]
    upload.close()


async def test_the_digest_is_that_of_the_content_not_of_its_pieces(judge: BatchJudge, tmp_path: Path) -> None:
    """PUB-041: however it was cut on its way."""
    body = withdrawals(range(5))
    one = await receive(Pieces([body]), judge, form=LINES, limits=limits(tmp_path))
    two = await receive(Pieces([body[:9], body[9:]]), judge, form=LINES, limits=limits(tmp_path))
    other = await receive(Pieces([body + b"\n"]), judge, form=LINES, limits=limits(tmp_path))

    assert one.digest == two.digest
    assert one.digest != other.digest
    for upload in (one, two, other):
        upload.close()


async def test_a_client_that_disconnects_leaves_no_bytes_behind(judge: BatchJudge, tmp_path: Path) -> None:
    """PUB-015: the quota is released."""
    quota = DiskQuota(10_000)
    for _ in range(10):
        gone = Pieces([withdrawals(range(20))], then=ConnectionResetError())
        with pytest.raises(ConnectionResetError):
            await receive(gone, judge, form=LINES, limits=limits(tmp_path, quota=quota))

    quota.take(10_000)
    assert [] == await asyncio.to_thread(lambda: list(tmp_path.iterdir()))


async def test_a_full_disk_quota_refuses_uploads(judge: BatchJudge, tmp_path: Path) -> None:
    """ERR-008: all uploads together."""
    quota = DiskQuota(8_000)
    first = await receive(Pieces([withdrawals(range(20))]), judge, form=LINES, limits=limits(tmp_path, quota=quota))
    with pytest.raises(UploadRefusedError) as refused:
        await receive(Pieces([withdrawals(range(20))]), judge, form=LINES, limits=limits(tmp_path, quota=quota))
    first.close()

    assert "spool-full" == refused.value.code
    again = await receive(Pieces([withdrawals(range(20))]), judge, form=LINES, limits=limits(tmp_path, quota=quota))
    again.close()


async def test_an_upload_above_its_platforms_share_is_refused_as_such_unless_others_use_the_quota(
    judge: BatchJudge, tmp_path: Path
) -> None:
    """ERR-005, ERR-008: an upload that waiting cannot help gets no Retry-After."""
    quota = DiskQuota(8_000)
    bounds = limits(tmp_path, quota=quota.part("bretagne"))
    quota.take(4_000)
    with pytest.raises(UploadRefusedError, match="spool-full"):
        await receive(Pieces([withdrawals(range(100))]), judge, form=LINES, limits=bounds)
    quota.give_back(4_000)
    with pytest.raises(UploadRefusedError, match="body-too-large") as refused:
        await receive(Pieces([withdrawals(range(100))]), judge, form=LINES, limits=bounds)
    assert {"expected": 6_000} == refused.value.values
    quota.take(8_000)


def test_a_platform_leaves_a_quarter_of_the_disk_quota_to_others() -> None:
    """ERR-008: however many uploads it has; its share is released with the quota."""
    quota = DiskQuota(8_000)
    quota.part("bretagne").take(6_000)
    with pytest.raises(UploadRefusedError, match="spool-full"):
        quota.part("bretagne").take(1)
    quota.part("normandie").take(2_000)
    with pytest.raises(UploadRefusedError, match="spool-full"):
        quota.part("rennes").take(1)
    quota.part("bretagne").give_back(6_000)
    quota.part("bretagne").take(6_000)


async def test_more_items_than_an_upload_may_have_are_not_judged(judge: BatchJudge, tmp_path: Path) -> None:
    """ERR-005: a few bytes each, and each with its problems."""
    quota = DiskQuota(8_000)
    bounds = replace(limits(tmp_path, quota=quota), items=3)
    (await receive(Pieces([withdrawals(range(3))]), judge, form=LINES, limits=bounds)).close()
    with pytest.raises(UploadRefusedError, match="too-many-items"):
        await receive(Pieces([withdrawals(range(4))]), judge, form=LINES, limits=bounds)
    quota.take(8_000)


async def test_other_tasks_run_meanwhile(judge: BatchJudge, tmp_path: Path) -> None:
    """ERR-008: a large upload does not hold up the rest of the gateway."""
    iterations = 0

    async def other() -> None:
        nonlocal iterations
        while True:
            await asyncio.sleep(0)
            iterations += 1

    task = asyncio.create_task(other())
    upload = await receive(Pieces([withdrawals(range(20_000))]), judge, form=LINES, limits=limits(tmp_path))
    task.cancel()
    upload.close()

    assert iterations > 10


async def test_a_spool_on_disk_returns_its_content_unchanged(tmp_path: Path) -> None:
    """PUB-014: beyond eight megabytes, several times over."""
    spool = Spool(tmp_path, DiskQuota(100_000_000))
    for number in range(10_000):
        spool.add(JudgedItem(f"bretagne:{number}", [{"message": "é\n" * 500}], None))
        if spool.full:
            await spool.flush()
    await spool.flush()

    for _ in range(2):
        assert [f"bretagne:{number}" for number in range(10_000)] == list(spool.ids())
    spool.close()


async def received(judge: BatchJudge, folder: Path, count: int) -> Upload:
    return await receive(Pieces([withdrawals(range(count))]), judge, form=LINES, limits=limits(folder))


async def test_queuing_stops_at_the_first_failure_and_says_so(
    log: MemoryLog, submissions: Submissions, judge: BatchJudge, tmp_path: Path
) -> None:
    """PUB-013: later items are certainly not queued."""
    upload = await received(judge, tmp_path, 5_000)
    log.inject(WriteFault.LOST)
    queuing = await queue_upload(upload, submissions, publisher="bretagne")
    upload.close()

    statuses = [AppendStatus(status) for status in queuing.statuses]
    assert {AppendStatus.NOT_QUEUED} == set(statuses[2_000:])
    assert {AppendStatus.QUEUED, AppendStatus.UNKNOWN} == set(statuses[:2_000])
    handed_in = [number for partition in range(log.partitions) for number in await numbers_on(log, partition)]
    assert len(handed_in) == statuses.count(AppendStatus.QUEUED) == queuing.queued


async def test_all_is_queued_in_order_for_each_offer(
    log: MemoryLog, submissions: Submissions, judge: BatchJudge, tmp_path: Path
) -> None:
    """REV-006: offers keep their order within their partition."""
    upload = await received(judge, tmp_path, 5_000)
    queuing = await queue_upload(upload, submissions, publisher="bretagne")
    upload.close()

    assert (5_000, None) == (queuing.queued, queuing.failure)
    for partition in range(log.partitions):
        numbers = await numbers_on(log, partition)
        assert sorted(numbers) == numbers


async def numbers_on(log: MemoryLog, partition: int) -> list[int]:
    async with log.reader({(SUBMISSIONS, partition): 0}) as reader:
        chunks = await reader.poll(limit=5_000, wait=0)
    return [int((record.key or b"").decode().partition(":")[2]) for chunk in chunks for record in chunk.records]


class Untouched:
    """A judge that must not be called."""

    declared_count: int | None = None

    def judge(self, raw: bytes) -> JudgedItem | None:
        raise AssertionError(raw)


@pytest.mark.parametrize("item", [b"{}\n", b"1\n", b'{"id":"a:1"}\n'])
async def test_more_items_than_bytes_can_hold_are_refused_before_any_is_judged(item: bytes, tmp_path: Path) -> None:
    """ERR-005: in the first block already."""
    with pytest.raises(UploadRefusedError, match="items-too-small"):
        await receive(Pieces([item * 20_000]), Untouched(), form=LINES, limits=limits(tmp_path))


async def test_problems_are_written_out_for_the_first_thousand_and_counted_for_the_rest(
    judge: BatchJudge, tmp_path: Path
) -> None:
    """PUB-010: every item keeps its index and its id."""
    refused = b"".join(b'{"id":"bretagne:%d","title":"%b"}\n' % (number, b"x" * 30) for number in range(1_200))
    upload = await receive(Pieces([withdrawals([7]) + refused]), judge, form=LINES, limits=limits(tmp_path))

    assert (1_201, 1_200, 1_000) == (upload.count, upload.refused, upload.explained)
    assert bytearray([1]) + bytes(1_200) == upload.accepted
    heads = [orjson.loads(head) for head, _ in upload.results()]
    assert 1_000 == sum("problems" in head for head in heads)
    assert ["bretagne:1198", "bretagne:1199"] == [head["id"] for head in heads[-2:]]
    codes = {problem["code"] for problem in heads[1]["problems"]}
    assert dict.fromkeys(codes, 1_200) == dict(upload.rules)
    upload.close()


class StoppedAfter(OwnPace):
    """The pace of a process that begins to stop after so many looks."""

    def __init__(self, *, checks: int) -> None:
        super().__init__()
        self._checks = checks

    @property
    def stopping(self) -> bool:
        self._checks -= 1
        return self._checks < 0


async def test_queuing_stops_between_slices_when_the_process_stops(
    submissions: Submissions, judge: BatchJudge, tmp_path: Path
) -> None:
    """PUB-013: items that are certainly queued are reported, and the rest is certainly not."""
    pace = StoppedAfter(checks=1)
    body = withdrawals(range(5_000))
    upload = await receive(Pieces([body]), judge, form=LINES, limits=limits(tmp_path), pace=pace)
    queuing = await queue_upload(upload, submissions, publisher="bretagne")
    upload.close()

    assert isinstance(queuing.failure, QueuingStoppedError)
    assert (2_000, 2_000) == (queuing.queued, queuing.failure.queued)
    assert {AppendStatus.QUEUED} == {AppendStatus(status) for status in queuing.statuses[:2_000]}
    assert {AppendStatus.NOT_QUEUED} == {AppendStatus(status) for status in queuing.statuses[2_000:]}
