"""[T-27] [SEC-003] Workers get their secrets by standard input, which no other process can read."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.bootstrap.gateway import running
from gateway.settings import Settings

pytestmark = pytest.mark.slow

SECRET = "the-secret-of-the-gateway-that-no-list-of-processes-shows"
WORKERS = 2


def children() -> Iterator[Path]:
    """The folders in /proc of the processes that this one has started and that still run."""
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # of a thread that has ended meanwhile
            yield from (Path("/proc") / number for number in (task / "children").read_text().split())


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux shows processes as files")
async def test_neither_command_line_nor_environment_of_a_worker_shows_the_secret(tmp_path: Path) -> None:
    """Every user of the machine can list command lines; child processes inherit the environment."""
    settings = Settings(data=tmp_path / "data", port=0, management_port=0, workers=WORKERS, secret=SECRET)
    before = set(children())
    async with running(settings):
        workers = set(children()) - before
        lines = [(folder / "cmdline").read_text() for folder in workers]
        environments = [(folder / "environ").read_bytes().decode(errors="replace") for folder in workers]
    assert [True] * WORKERS == ["gateway.bootstrap.workers" in line for line in lines]
    assert all(environments), "there was nothing to search"
    assert [] == [text for text in (*lines, *environments) if SECRET in text]
