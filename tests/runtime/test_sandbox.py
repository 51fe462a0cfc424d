"""The sandbox: one call at a time, bounded by the system, silent about content, and up again after each fault."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
import structlog

from gateway.runtime.sandbox import Sandbox, SandboxBusyError, SandboxFailedError, SpentError

pytestmark = pytest.mark.slow

MODULE = "tests.runtime.sandbox_functions"
CANARY = "canary-7c1f"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with aclosing(_Closing(Sandbox(MODULE, seconds=0.2))) as holder:
        yield holder.sandbox


class _Closing:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def aclose(self) -> None:
        await self.sandbox.close()


async def test_a_call_returns_its_result_and_the_child_serves_the_next(sandbox: Sandbox) -> None:
    first = await sandbox.call("echo", {"a": 1}, b"x" * 3_000_000)
    second = await sandbox.call("echo", {}, b"")
    assert (first["size"], first["arguments"], second["size"]) == (3_000_000, {"a": 1}, 0)
    assert first["process"] == second["process"] != os.getpid()


async def test_a_child_has_a_low_priority_while_it_loads(sandbox: Sandbox) -> None:
    """Visitors start it, and loading takes seconds of processor time."""
    assert os.nice(0) + 5 == await sandbox.call("niceness", {}, b"")


async def test_a_prepared_child_serves_the_first_call_and_is_started_once(sandbox: Sandbox) -> None:
    others = children()
    await asyncio.gather(sandbox.prepare(), sandbox.prepare())
    [prepared] = children() - others
    await sandbox.prepare()
    assert (await sandbox.call("echo", {}, b""))["process"] == prepared
    await sandbox.prepare()
    assert {prepared} == children() - others


def children() -> set[int]:
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    return {int(number) for number in listed.read_text().split()}


async def test_a_call_beyond_its_processor_time_is_ended_and_the_child_goes_on(sandbox: Sandbox) -> None:
    process = (await sandbox.call("echo", {}, b""))["process"]
    with pytest.raises(SpentError):
        await sandbox.call("spin", {}, b"")
    assert (await sandbox.call("echo", {}, b""))["process"] == process


async def test_a_call_that_python_cannot_end_is_ended_by_the_system(sandbox: Sandbox) -> None:
    with pytest.raises(SpentError):
        await sandbox.call("hold", {}, b"")
    assert (await sandbox.call("echo", {}, b"ab"))["size"] == 2


async def test_a_call_beyond_its_memory_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(SpentError):
        await sandbox.call("fill", {}, b"")
    assert (await sandbox.call("echo", {}, b"ab"))["size"] == 2


async def test_a_failure_is_logged_without_its_message(sandbox: Sandbox) -> None:
    with structlog.testing.capture_logs() as lines, pytest.raises(SandboxFailedError):
        await sandbox.call("fail", {}, CANARY.encode())
    assert lines[0]["error"] == "ValueError"
    assert CANARY not in repr(lines)


async def test_the_child_writes_no_file_and_reads_no_setting(
    sandbox: Sandbox, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    os.environ["PASSERELLE_CANARY"] = "1"
    try:
        file = tmp_path / "file"
        with pytest.raises(SandboxFailedError):
            await sandbox.call("write", {"path": str(file)}, CANARY.encode())
        assert not file.exists() or file.read_bytes() == b""
        assert await sandbox.call("speak", {}, CANARY.encode()) == []
    finally:
        del os.environ["PASSERELLE_CANARY"]
    written = capfd.readouterr()
    assert CANARY not in written.out + written.err


async def test_a_child_that_ends_is_replaced(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxFailedError):
        await sandbox.call("leave", {}, b"")
    assert (await sandbox.call("echo", {}, b"ab"))["size"] == 2


async def test_more_calls_than_may_wait_are_refused(sandbox: Sandbox) -> None:
    await sandbox.call("echo", {}, b"")
    calls = [asyncio.create_task(sandbox.call("echo", {"number": number}, b"")) for number in range(20)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    answered = [one["arguments"]["number"] for one in results if isinstance(one, dict)]
    assert answered == sorted(answered)
    assert [one for one in results if not isinstance(one, dict | SandboxBusyError)] == []
    assert 16 <= len(answered) < 20


async def test_a_cancelled_call_leaves_no_answer_to_the_next(sandbox: Sandbox) -> None:
    await sandbox.call("echo", {}, b"")
    call = asyncio.create_task(sandbox.call("spin", {}, b""))
    await asyncio.sleep(0.05)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert (await sandbox.call("echo", {"number": 2}, b""))["arguments"] == {"number": 2}


async def test_an_idle_child_ends() -> None:
    sandbox = Sandbox(MODULE, idle_seconds=0.05)
    try:
        process = (await sandbox.call("echo", {}, b""))["process"]
        while Path(f"/proc/{process}").exists():
            await asyncio.sleep(0.02)
        assert (await sandbox.call("echo", {}, b""))["process"] != process
    finally:
        await sandbox.close()
