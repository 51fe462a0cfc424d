"""The embedded log and several processes: kills during writes, and reads from another process."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from gateway.log.sqlite import SqliteLog
from gateway.protocol.topic import OFFERS, POSITIONS, RECEIPTS, SUBMISSIONS
from tests.log.contract.log_fixture import read, read_keys

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
WRITER = """
import asyncio, sys
from pathlib import Path
from gateway.protocol.record import Record
from gateway.log.sqlite import SqliteLog

async def main():
    log = await SqliteLog.open(Path(sys.argv[1]))
    async def write(lane):
        number = 0
        while True:
            appended = await log.append("submissions", lane % 3, [Record(f"{lane}-{number}".encode(), bytes(300))])
            print(lane, number, appended.first, flush=True)
            number += 1
    await asyncio.gather(*(write(lane) for lane in range(12)))

asyncio.run(main())
"""
OWNER = """
import asyncio, sys
from pathlib import Path
from gateway.log.port import Output
from gateway.protocol.record import Record
from gateway.log.sqlite import SqliteLog

async def main():
    log = await SqliteLog.open(Path(sys.argv[1]))
    owner = await log.own("relay", 0)
    for number in range(1_000_000):
        name = str(number).encode()
        outputs = [Output(topic, 0, Record(name, bytes(3_000))) for topic in ("offers", "receipts") for _ in range(50)]
        await owner.commit([*outputs, Output("positions", 0, Record(b"submissions/0", name))])
        print(number, flush=True)

asyncio.run(main())
"""


def killed(script: str, path: Path, *, after: int) -> list[str]:
    """Output of another process that was killed after ``after`` lines; the last may be cut."""
    process = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(after)]
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.readlines()
    process.stdout.close()
    process.wait()
    return lines


async def test_acknowledged_records_are_there_after_kill_9(log: SqliteLog, path: Path) -> None:
    """Another process is killed while it appends, four times over."""
    acknowledged = set()
    for _ in range(4):
        for line in killed(WRITER, path, after=300):
            if line.endswith("\n"):
                lane, number, offset = line.split()
                acknowledged.add(f"{lane}-{number}@{offset}")
    found = set()
    for partition in range(3):
        async with log.reader({(SUBMISSIONS, partition): 0}) as reader:
            while chunks := await reader.poll(limit=1_000, wait=0.0):
                found |= {f"{(one.key or b'').decode()}@{one.offset}" for one in chunks[0].records}
    assert len(acknowledged) >= 1_200
    assert acknowledged - found == set()


async def test_a_commit_cut_by_kill_9_is_whole_or_not_at_all(log: SqliteLog, path: Path) -> None:
    lines = killed(OWNER, path, after=40)
    position = int((await read(log, POSITIONS))[-1].value or b"")
    assert position >= len(lines) - 1
    for topic in (OFFERS, RECEIPTS):
        found = Counter(await read_keys(log, topic))
        assert dict.fromkeys(map(str, range(position + 1)), 50) == found


async def test_a_waiting_reader_sees_what_another_process_appends(log: SqliteLog, path: Path) -> None:
    async with log.reader({(SUBMISSIONS, 0): 0}) as reader:
        waiting = asyncio.create_task(reader.poll(limit=10, wait=20.0))
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.DEVNULL, cwd=ROOT)
        chunks = await waiting
        process.kill()
        process.wait()
    assert len(chunks) == 1
