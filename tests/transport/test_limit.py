"""Every transport ends within its limit plus five seconds, close included, whatever the server does."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.transport.drop import FolderDrop
from adapters.transport.feed import FeedError, FetchLimits, Transport
from adapters.transport.https import HttpsPull
from adapters.transport.limit import Cut, PlatformThread, within
from adapters.transport.sftp import SftpDrop, SftpServer
from tests.transport.hostile import HEAD, Talk, saying, sftp_process, silent, talking
from tests.transport.hostile_sftp import MuteGatekeeper, endless, hang, hostile_sftp

pytestmark = pytest.mark.slow

LIMIT = 1.0
DEADLINE = LIMIT + 5.0
SOON = 20.0


@pytest.fixture
def limits(tmp_path: Path) -> FetchLimits:
    return FetchLimits(folder=tmp_path / "spool", most_bytes=100_000_000, seconds=LIMIT)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "files" / "out"
    folder.mkdir(parents=True)
    (folder / "feed.xml").write_bytes(b"<offers/>" * 1_000_000)
    return folder


def drop(server: SftpServer) -> SftpDrop:
    return SftpDrop(server, "/out", "*.xml", loopback=True, settle=0.01)


def pull(port: int, scheme: str = "http") -> HttpsPull:
    return HttpsPull(f"{scheme}://127.0.0.1:{port}/feed", loopback=True)


async def ended(transport: Transport, limits: FetchLimits) -> str:
    """The code with which a fetch ended in time."""
    async with asyncio.timeout(limits.seconds + 5.0):
        with pytest.raises(FeedError) as refused:
            await transport.fetch({}, limits)
    return refused.value.code


async def cancelled(transport: Transport, limits: FetchLimits, *, once: Callable[[], object]) -> None:
    """Cancel a fetch as soon as something has happened; it must end within five seconds."""
    task = asyncio.create_task(transport.fetch({}, limits))
    async with asyncio.timeout(SOON):
        while not once():
            assert not task.done(), task.result()
            await asyncio.sleep(0.01)
    task.cancel()
    async with asyncio.timeout(5.0):
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


@pytest.mark.parametrize("step", ["open", "read", "scandir"])
async def test_an_sftp_server_that_stops_answering_is_cut_at_the_limit(
    out: Path, limits: FetchLimits, step: str
) -> None:
    steps: dict[str, Any] = {step: hang}
    async with hostile_sftp(out.parent, **steps) as server:
        assert "feed-too-slow" == await ended(drop(server), limits)


async def test_an_sftp_server_that_never_answers_to_a_close_is_cut(out: Path, limits: FetchLimits) -> None:
    async with hostile_sftp(out.parent, close=hang) as server:
        assert "feed-too-slow" == await ended(drop(server), limits)


async def test_an_sftp_server_that_lists_without_end_is_cut(out: Path, limits: FetchLimits) -> None:
    async with hostile_sftp(out.parent, scandir=endless) as server:
        assert await ended(drop(server), limits) in {"feed-too-slow", "feed-folder-too-full"}


async def test_an_sftp_server_that_is_silent_at_the_login_is_cut(out: Path, limits: FetchLimits) -> None:
    async with hostile_sftp(out.parent, keep=MuteGatekeeper) as server:
        assert "feed-too-slow" == await ended(drop(server), limits)


@pytest.mark.parametrize(
    "talk",
    [silent, saying(b""), saying(b"SSH-2.0-x\r\n"), saying(b"SSH-2.0-x\r\n", b"\0")],
    ids=["silent", "empty lines", "versions", "a version, then zeros"],
)
async def test_a_server_that_does_not_speak_ssh_is_disconnected(out: Path, limits: FetchLimits, talk: Talk) -> None:
    async with hostile_sftp(out.parent) as server, talking(talk) as port:
        other = SftpServer(
            host="127.0.0.1", port=port, host_key=server.host_key, user="u", kind="key", secret=server.secret
        )
        assert await ended(drop(other), limits) in {"feed-too-slow", "feed-unreachable", "feed-cut"}


async def test_an_sftp_server_that_is_frozen_while_it_sends_is_cut(out: Path, limits: FetchLimits) -> None:
    async with sftp_process(out.parent) as server:
        task = asyncio.create_task(ended(drop(server.address), FetchLimits(folder=limits.folder, seconds=4.0)))
        async with asyncio.timeout(SOON):
            await server.reading()
        server.freeze()
        assert "feed-too-slow" == await task


async def test_a_fetch_from_a_frozen_sftp_server_ends_when_it_is_cancelled(out: Path, limits: FetchLimits) -> None:
    async with sftp_process(out.parent) as server:
        requested = asyncio.create_task(server.reading())

        def frozen() -> bool:
            if requested.done():
                server.freeze()
            return requested.done()

        await cancelled(drop(server.address), FetchLimits(folder=limits.folder, seconds=600.0), once=frozen)


@pytest.mark.parametrize(
    "talk",
    [
        silent,
        saying(b"HTTP/1.1 200 OK\r\n"),
        saying(b"HTTP/1.1 200 OK\r\nX", b"x"),
        saying(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        saying(HEAD + b"Content-Length: 1000000\r\n\r\n<"),
        saying(HEAD + b"Content-Length: 1000000\r\n\r\n<", b"o"),
        saying(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n<\r\n", b"1\r\no\r\n"),
        saying(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 100000\r\n\r\n\x1f\x8b", b"\0"),
    ],
    ids=["silent", "head-cut", "head-trickles", "continues", "body-cut", "body-trickles", "chunks", "gzip"],
)
async def test_a_web_server_that_does_not_come_to_an_end_is_cut(limits: FetchLimits, talk: Talk) -> None:
    async with talking(talk) as port:
        code = await ended(pull(port), limits)
    assert code in {"feed-too-slow", "feed-not-gzip"}


async def test_headers_without_end_are_refused(limits: FetchLimits) -> None:
    async with talking(saying(HEAD, b"X-Filler: " + b"x" * 4_000 + b"\r\n", every=0.0)) as port:
        assert await ended(pull(port), limits) in {"feed-unreachable", "feed-too-slow"}


async def test_redirects_without_end_are_refused(limits: FetchLimits) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with talking(talk) as port:
        assert "feed-redirected-too-often" == await ended(pull(port), limits)


async def test_a_tls_handshake_that_hangs_is_cut(limits: FetchLimits) -> None:
    async with talking(silent) as port:
        assert await ended(pull(port, "https"), limits) in {"feed-too-slow", "feed-unreachable"}


async def test_a_fetch_from_a_silent_web_server_ends_when_it_is_cancelled(limits: FetchLimits) -> None:
    requested = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requested.set()
        await silent(reader, writer)

    async with talking(talk) as port:
        await cancelled(pull(port), FetchLimits(folder=limits.folder, seconds=600.0), once=requested.is_set)


async def test_a_sender_that_trickles_is_cut_long_before_the_limit(limits: FetchLimits) -> None:
    patient = FetchLimits(folder=limits.folder, seconds=600.0, least_rate=1_000, pace_seconds=0.5)
    async with talking(saying(HEAD + b"Content-Length: 1000000\r\n\r\n<", b"o")) as port, asyncio.timeout(SOON):
        assert "feed-trickles" == await ended(pull(port), patient)


async def test_a_name_server_that_does_not_answer_holds_neither_the_loop_nor_the_next_fetch(
    limits: FetchLimits,
) -> None:
    """The look-up of a name is a call of the worker: here one that blocks, as a resolver without an answer does."""
    worker, answered = PlatformThread(), threading.Event()
    with pytest.raises(FeedError, match=r"did not come within"):
        await within(LIMIT, lambda _: worker.do(answered.wait))  # type: ignore[arg-type]  # any call
    transport = HttpsPull("http://localhost:9/feed", loopback=True, worker=worker)
    assert "feed-blocked" == await ended(transport, limits)
    answered.set()
    async with asyncio.timeout(SOON):
        while "feed-blocked" == await ended(transport, limits):
            await asyncio.sleep(0.01)


def test_a_process_ends_though_a_call_of_a_feed_is_blocked(tmp_path: Path) -> None:
    """In a process of its own: a fetch from a mount that blocks is cancelled, and the interpreter ends."""
    code = (
        "import asyncio, os, sys\n"
        "from adapters.transport.limit import PlatformThread, within\n"
        "async def main():\n"
        "    await within(0.2, lambda cut: PlatformThread().do(lambda: os.open(sys.argv[1], os.O_RDONLY)))\n"
        "try:\n"
        "    asyncio.run(main())\n"
        "except Exception as error:\n"
        "    print(getattr(error, 'code', error))\n"
    )
    os.mkfifo(tmp_path / "pipe")

    async def run() -> bytes:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code, str(tmp_path / "pipe")), stdout=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(30):
                output, _ = await process.communicate()
            return output
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    assert b"feed-too-slow" in asyncio.run(run())


async def test_pipes_devices_and_sockets_in_a_folder_are_no_feeds(tmp_path: Path, limits: FetchLimits) -> None:
    folder = tmp_path / "feeds" / "bretagne"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "a.xml")
    (folder / "b.xml").symlink_to("/dev/zero")
    transport = FolderDrop(tmp_path / "feeds", "bretagne", "*.xml", settle=0.01)
    assert "feed-missing" == await ended(transport, limits)


async def test_a_pipe_that_takes_the_name_of_a_file_is_not_read(tmp_path: Path, limits: FetchLimits) -> None:
    folder = tmp_path / "feeds" / "bretagne"
    folder.mkdir(parents=True)
    (folder / "a.xml").write_bytes(b"<offers/>")
    transport = FolderDrop(tmp_path / "feeds", "bretagne", "*.xml", settle=0.5)
    task = asyncio.create_task(ended(transport, FetchLimits(folder=limits.folder, seconds=30.0)))
    await asyncio.sleep(0)
    (folder / "a.xml").unlink()
    os.mkfifo(folder / "a.xml")
    assert await task in {"feed-being-written", "feed-missing"}


async def test_a_folder_that_becomes_a_pipe_is_refused(tmp_path: Path, limits: FetchLimits) -> None:
    (tmp_path / "feeds").mkdir()
    os.mkfifo(tmp_path / "feeds" / "bretagne")
    transport = FolderDrop(tmp_path / "feeds", "bretagne", "*.xml", settle=0.01)
    assert "feed-unsafe-path" == await ended(transport, limits)


async def test_late_results_of_abandoned_calls_are_released() -> None:
    """A fetch that ignores its cancellation is abandoned, and the limit holds all the same."""
    free = asyncio.Event()

    async def deaf(_: Cut) -> object:
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue
        raise FeedError("feed-cut")

    async with asyncio.timeout(DEADLINE):
        with pytest.raises(FeedError) as refused:
            await within(LIMIT, deaf)  # type: ignore[arg-type]  # it never gives anything
    assert "feed-too-slow" == refused.value.code
    free.set()
