"""One partner that sends the most expensive requests: its heavy work runs one piece at a time, rests while other
partners ask, and is answered within bounds.
"""

import asyncio
import time
from http import HTTPStatus
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest
from aiohttp import web

from gateway.api.context import PARTNER
from gateway.api.work import Work, WorkRegistry
from gateway.protocol.partner import Partner
from gateway.runtime.loop import timed
from gateway.runtime.processor import SLICE_SECONDS, Processor, Share
from tests.api.write.gateway_harness import ndjson, offer, opened

pytestmark = pytest.mark.slow

RUN = 0.02


class Threads:
    """Counts how many of its calls run at a time."""

    def __init__(self) -> None:
        self.now = self.most = 0

    def __call__(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        time.sleep(RUN)
        self.now -= 1


def work_in(office: WorkRegistry, name: str) -> Work:
    request = cast("web.Request", {PARTNER: Partner(platform=name, name=name, scopes=frozenset())})
    return Work(request, office, office.processor.share(name))


async def test_work_in_threads_runs_one_piece_at_a_time() -> None:
    """ERR-006: each thread that computes delays the event loop and every other thread."""
    office, threads = WorkRegistry(Processor()), Threads()
    await asyncio.gather(*(work_in(office, f"p{number % 3}").in_thread(threads) for number in range(9)))
    assert 1 == threads.most


async def test_work_that_is_cancelled_in_a_thread_leaves_the_slice_to_others() -> None:
    """ERR-006: the thread ends first."""
    office, threads = WorkRegistry(Processor()), Threads()
    gone = asyncio.create_task(work_in(office, "gone").in_thread(threads))
    while not threads.now:
        await asyncio.sleep(0)
    gone.cancel()
    async with asyncio.timeout(10):
        await work_in(office, "stays").in_thread(threads)
    assert 1 == threads.most
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_a_large_page_takes_a_slice_and_a_small_one_does_not() -> None:
    """ERR-006: reads of a view in its thread delay the event loop like any other work."""
    office, threads = WorkRegistry(Processor()), Threads()

    async def page(name: str) -> str:
        await asyncio.to_thread(threads)
        return name

    large = [asyncio.create_task(work_in(office, f"p{number}").read(page("large"), items=1_000)) for number in range(3)]
    while not threads.now:
        await asyncio.sleep(0)
    assert "small" == await work_in(office, "p4").read(page("small"), items=100)
    assert ["large"] * 3 == await asyncio.gather(*large)
    assert 2 == threads.most


@pytest.mark.parametrize("items", [1, 1_000])
async def test_a_page_is_charged_for_the_time_that_its_thread_computes(items: int) -> None:
    """ERR-006: else a reader of such pages gets as many slices as a batch that uses a twentieth of the time."""
    office = WorkRegistry(Processor())
    reading = work_in(office, "reads")
    await reading.read(page(Event()), items=items)
    assert min(reading.spent, office.processor.share("reads").used) >= RUN


async def test_a_small_page_is_part_of_no_slice() -> None:
    """ERR-006: else many readers of single offers would hold every upload back."""
    office = WorkRegistry(Processor())
    office.processor.begin("short", office.processor.share("light"))
    office.processor.end("short")
    await work_in(office, "light").read(page(Event()), items=1)
    began = time.monotonic()
    await office.processor.slice(office.processor.share("heavy"))
    assert RUN > time.monotonic() - began


async def test_a_large_page_whose_client_has_left_is_read_to_its_end_and_charged() -> None:
    """ERR-006: its thread computes on, and the next slice does not run beside it."""
    office, begun = WorkRegistry(Processor()), Event()
    leaving = asyncio.create_task(work_in(office, "reads").read(page(begun), items=1_000))
    while not begun.is_set():
        await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert office.processor.share("reads").used >= RUN


async def page(begun: Event) -> None:
    """Twenty milliseconds of a thread's processor time."""

    def compute() -> None:
        begun.set()
        until = time.thread_time() + RUN
        while time.thread_time() < until:
            pass

    await asyncio.get_running_loop().run_in_executor(None, timed(compute))


def burn(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


async def pauses(processor: Processor, share: Share, *, slices: int) -> list[float]:
    """The seconds between ``slices`` slices of 20 ms."""
    found: list[float] = []
    for _ in range(slices):
        ended = time.monotonic()
        await processor.slice(share)
        found.append(time.monotonic() - ended)
        burn(RUN)
    return found[1:]


async def test_long_work_yields_while_another_partner_has_requests() -> None:
    """ERR-006: a request that arrives finds an idle loop more often than not."""
    processor = Processor()
    heavy, light = processor.share("heavy"), processor.share("light")
    processor.begin("short", light)
    processor.end("short")
    [pause, *_] = await pauses(processor, heavy, slices=2)
    assert 1.5 * RUN <= pause


@pytest.mark.parametrize("asking", ["nobody", "itself", "an address"])
async def test_long_work_does_not_yield_to_its_own_nor_to_unauthenticated_requests(asking: str) -> None:
    """ERR-006: a lone upload has the whole processor, and no client without a token can slow it down."""
    processor = Processor()
    heavy = processor.share("heavy")
    if asking != "nobody":
        share = heavy if asking == "itself" else processor.share("@192.0.2.1", anonymous=True)
        processor.begin("short", share)
        processor.end("short")
    assert SLICE_SECONDS == processor.slice_seconds(heavy)
    assert RUN > min(await pauses(processor, heavy, slices=6))


async def test_threads_yield_sooner_only_while_another_partner_has_requests() -> None:
    """ERR-006: whether it asks before the slice or during it; a lone upload pays nothing for it."""
    calls: list[bool] = []
    processor = Processor(hurry=calls.append)
    heavy, light = processor.share("heavy"), processor.share("light")
    with processor.aside(heavy):
        processor.begin("own", heavy)
    assert [] == calls
    with processor.aside(heavy):
        processor.begin("short", light)
        processor.begin("another", light)
        assert [True] == calls
    assert [True, False] == calls
    with processor.aside(heavy):
        assert [True, False, True] == calls
    assert [True, False, True, False] == calls


async def test_slices_are_shorter_for_a_moment_after_another_partner_has_asked() -> None:
    """ERR-006: 0.25 s; a partner's own request in between changes nothing."""
    clock = SimpleNamespace(at=1_000.0)
    processor = Processor(clock=lambda: clock.at)
    heavy = processor.share("heavy")
    for number, share in enumerate((processor.share("light"), heavy)):
        processor.begin(number, share)
        processor.end(number)
    assert SLICE_SECONDS > processor.slice_seconds(heavy)
    clock.at += 0.26
    assert SLICE_SECONDS == processor.slice_seconds(heavy)


def _refused(number: int) -> dict[str, Any]:
    return {"id": f"bretagne:{number}", "weeks": ["2027-W99"] * 150, "title": 1, "levels": [{}]}


def _texts(number: int) -> dict[str, Any]:
    return {
        "id": f"bretagne:{number}",
        "title": "x" * 20_000,
        "description": "y\u202e" * 10_000,
        "levels": "z" * 20_000,
    }


_KEYS: dict[str, dict[str, object]] = {f"k{number}": {} for number in range(7_500)}
WORST = {
    "empty": b"{}\n" * 50_000,
    "refused": ndjson(*map(_refused, range(150))),
    "extensions": ndjson(*(offer(number, extensions=_KEYS) for number in range(30))),
    "texts": ndjson(*map(_texts, range(30))),
    "offers": ndjson(*map(offer, range(3_000))),
}


@pytest.mark.parametrize("kind", [kind for kind in WORST if kind != "empty"])
async def test_others_are_answered_before_the_worst_upload_is(tmp_path: Path, kind: str) -> None:
    """ERR-006: three offers of another partner, one after the other, beside four uploads."""
    async with opened(tmp_path, working=False) as gateway:
        uploads = [asyncio.create_task(gateway.batch(WORST[kind], query="?dry_run=true")) for _ in range(4)]
        while not gateway.office.watched:
            await asyncio.sleep(0)
        for number in range(3):
            answer = await gateway.put(
                offer(number, platform="normandie"), who="normandie", headers={"Prefer": "respond-async"}
            )
            assert HTTPStatus.ACCEPTED == answer.status
        assert not any(upload.done() for upload in uploads)
        answers = await asyncio.gather(*uploads)
    assert {HTTPStatus.OK if kind == "offers" else HTTPStatus.UNPROCESSABLE_ENTITY} == {one.status for one in answers}


@pytest.mark.parametrize("kind", ["refused", "extensions", "texts", "empty"])
@pytest.mark.parametrize("zipped", [False, True])
async def test_the_answer_to_the_worst_upload_is_bounded(tmp_path: Path, kind: str, *, zipped: bool) -> None:
    """ERR-005, PUB-016: at most 10 MB, however many items are refused and however long their texts are."""
    async with opened(tmp_path, working=False) as gateway:
        answer = await gateway.batch(WORST[kind], query="?dry_run=true", zipped=zipped)
    assert answer.status in {HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
    assert 10_000_000 > len(answer.raw)
    if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
        assert WORST[kind].count(b"\n") == answer.body["refused"]
        assert b"\xe2\x80\xae" not in answer.raw
    orjson.loads(answer.raw)
