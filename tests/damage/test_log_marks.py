"""A start checks the embedded log, unless it was checked since the machine started, without a foreign write since."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gateway.errors import LogDamagedError
from gateway.log.sqlite import SqliteLog
from gateway.log.sqlite.backup import copy_log
from gateway.log.sqlite.file import connect
from gateway.log.sqlite.stream import has_mark
from gateway.protocol.topic import OFFERS, SUBMISSIONS
from gateway.runtime.checked_file import FileMarks, marker, reported_damage
from tests.damage.decay import decaying
from tests.log.contract.log_fixture import read, records
from tests.log.contract.test_sqlite_damage import ROWS, changed, made

pytestmark = pytest.mark.slow

_FLIPPED = ROWS["a byte of the value"]
_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from gateway.log.sqlite import SqliteLog
from gateway.protocol.record import Record
from gateway.protocol.topic import OFFERS

async def start():
    log = await SqliteLog.open(Path(sys.argv[1]), check=True, boot=lambda: "this boot")
    if sys.argv[2] == "after a write":
        await log.append(OFFERS, 0, [Record(b"k", b"1")])
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(start())
"""


def this_boot() -> str | None:
    return "this boot"


async def started(path: Path, boot: Callable[[], str | None] = this_boot) -> SqliteLog:
    return await SqliteLog.open(path, check=True, boot=boot)


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """The log of a gateway that has stopped cleanly."""
    path = tmp_path / "log.sqlite"
    await made(path)
    await (await started(path)).close()
    return path


def kill(path: Path, when: str) -> None:
    """A gateway that starts on the log and is killed."""
    ran = subprocess.run([sys.executable, "-c", _KILLED, path, when], check=False)
    assert -signal.SIGKILL == ran.returncode


def marks(path: Path) -> tuple[bool, bool]:
    """Whether the file has the mark of use, and that of a clean stop."""
    with closing(connect(path, busy_seconds=5)) as connection:
        file = FileMarks(path, this_boot)
        used, stopped = file.used, file.stopped()
        assert used is not None
        assert stopped is not None
        return has_mark(connection, [used]), has_mark(connection, [stopped[0]])


async def test_damage_at_rest_is_found_when_it_is_read_and_at_each_later_start(path: Path) -> None:
    """The start trusts the mark of the clean stop before it; what was found damaged is trusted no more."""
    with decaying(path):
        changed(path, _FLIPPED)
    log = await started(path)
    with pytest.raises(LogDamagedError, match=f"{path} is damaged"):
        await read(log, OFFERS, 0)
    await log.close()
    for _ in range(2):
        with pytest.raises(LogDamagedError, match=f"{path} is damaged .* restore it from a backup"):
            await started(path)


@pytest.mark.parametrize("boot", ["another boot", None])
async def test_after_a_start_of_the_machine_the_log_is_checked_first(path: Path, boot: str | None) -> None:
    with decaying(path):
        changed(path, _FLIPPED)
    with pytest.raises(LogDamagedError):
        await started(path, lambda: boot)


async def test_a_log_that_somebody_wrote_to_after_the_clean_stop_is_checked_first(path: Path) -> None:
    changed(path, _FLIPPED)
    with pytest.raises(LogDamagedError):
        await started(path)


async def test_a_log_that_was_copied_is_checked_first(path: Path) -> None:
    with decaying(path):
        changed(path, _FLIPPED)
    copied = path.with_name("copied.sqlite")
    shutil.copy2(path, copied)
    with pytest.raises(LogDamagedError):
        await started(copied)


@pytest.mark.parametrize("when", ["before a write", "after a write"])
async def test_a_killed_gateway_leaves_the_mark_of_use_and_its_log_is_not_checked(path: Path, when: str) -> None:
    assert (False, True) == marks(path)
    kill(path, when)
    assert (True, False) == marks(path)
    changed(path, _FLIPPED)
    log = await started(path)
    with pytest.raises(LogDamagedError):
        await read(log, OFFERS, 0)
    await log.close()


async def test_the_log_of_a_killed_gateway_is_checked_first_after_a_start_of_the_machine(path: Path) -> None:
    kill(path, "after a write")
    changed(path, _FLIPPED)
    with pytest.raises(LogDamagedError):
        await started(path, lambda: "another boot")


async def test_a_log_that_another_process_found_damaged_is_not_written(path: Path) -> None:
    log = await started(path)
    marker(path).write_text("a byte")
    with pytest.raises(LogDamagedError, match=r"is damaged \(a byte\)"):
        await log.append(SUBMISSIONS, 0, records(3))
    await log.close()


async def test_a_restored_log_is_served_again(path: Path) -> None:
    whole = path.with_name("backup.sqlite")
    copy_log(path, whole)
    changed(path, _FLIPPED)
    marker(path).write_text("a byte")
    with pytest.raises(LogDamagedError):
        await started(path)
    os.replace(whole, path)  # noqa: PTH105  # nothing else of the file stays
    log = await started(path)
    assert [None, None] == [log.damage, reported_damage(path)]
    assert 30 == len(await read(log, OFFERS, 0))
    await log.close()


async def test_a_backup_has_no_mark(path: Path) -> None:
    """Restored, it may have the inode of the file that was removed."""
    log = await started(path)
    target = path.with_name("backup.sqlite")
    copy_log(path, target)
    await log.close()
    with closing(connect(target, busy_seconds=5)) as connection:
        assert [("about",)] == connection.execute("SELECT name FROM checksum").fetchall()
