"""Child processes of a test run or the demo end with it, also when it is killed."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from demo.jars import JarsError, fetch_jars
from tests.faults.process import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")]

_HEAD = "import asyncio, subprocess, sys, threading, time\nfrom pathlib import Path\n"
_CHILD = f"""{_HEAD}
from demo.tether import tether, tethered
def start():
    child = subprocess.Popen(tethered([sys.executable, "-c", "import time; time.sleep(600)"]), pass_fds=tether())
    print(child.pid, flush=True)
thread = threading.Thread(target=start)  # its end is not the parent's
thread.start()
thread.join()
time.sleep(600)
"""
_GATEWAY = f"""{_HEAD}
from tests.faults.process import GatewayProcess
async def main():
    gateway = GatewayProcess("gateway", Path(sys.argv[1]) / "data", {{"PASSERELLE_WORKERS": "1"}})
    await gateway.start()
    await gateway.ready()
    print(gateway.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
_BROKER = f"""{_HEAD}
from demo.broker import LocalBroker
with LocalBroker() as broker:
    print(broker.process, flush=True)
    time.sleep(600)
"""


def _running(process: int) -> bool:
    """Whether it runs: a zombie, which has no waiting parent here, has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _family(process: int) -> set[int]:
    """The process and everything below it."""
    found = {process}
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in (task / "children").read_text().split():
            found |= _family(int(child))
    return found


async def _orphaned(script: str, *words: str) -> set[int]:
    """The processes that a parent has started, once it was killed."""
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, *words), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    try:
        async with asyncio.timeout(100):
            child = int(await parent.stdout.readline())
        family = _family(child)
        assert family == {process for process in family if _running(process)}
    finally:
        parent.kill()
        await parent.wait()
    return family


async def _all_ended(processes: set[int]) -> None:
    try:
        async with asyncio.timeout(10):
            while any(map(_running, processes)):
                await asyncio.sleep(0.02)
    finally:
        for process in filter(_running, processes):
            os.kill(process, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows processes as files")
@pytest.mark.parametrize("script", [_CHILD, _GATEWAY], ids=["child", "gateway"])
async def test_children_end_with_a_parent_that_is_killed(script: str, tmp_path: Path) -> None:
    await _all_ended(await _orphaned(script, str(tmp_path)))


@pytest.mark.kafka
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows processes as files")
async def test_the_local_broker_ends_with_a_run_that_is_killed() -> None:
    try:
        await asyncio.to_thread(fetch_jars)
    except JarsError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    await _all_ended(await _orphaned(_BROKER))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows processes as files")
async def test_a_watcher_ends_with_its_command() -> None:
    """An ended child leaves nothing while its parent runs; its id and exit code are kept."""
    script = f"""{_HEAD}
from demo.tether import tether, tethered
child = subprocess.Popen(tethered([sys.executable, "-c", "import sys; sys.stdin.read(); sys.exit(7)"]),
    pass_fds=tether(), stdin=subprocess.PIPE)
children = Path(f"/proc/{{child.pid}}/task/{{child.pid}}/children")
while not (watcher := children.read_text().split()):
    time.sleep(0.01)
child.stdin.close()
print(child.wait(), watcher[0], flush=True)
time.sleep(600)
"""
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    try:
        code, watcher = map(int, (await asyncio.wait_for(parent.stdout.readline(), 60)).split())
        assert 7 == code
        async with asyncio.timeout(10):
            while _running(watcher):
                await asyncio.sleep(0.02)
    finally:
        parent.kill()
        await parent.wait()
