"""Folder drop: fetch the newest file of a folder below the feeds folder of this machine, without following links."""

import asyncio
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path

from adapters.transport.drop import MOST_ENTRIES, SETTLE_SECONDS, Entry, require_unchanged, settled
from adapters.transport.error import FeedError
from adapters.transport.feed import MEGABYTE, Feed, Terms, Unchanged, Validators
from adapters.transport.landing import Landing
from adapters.transport.limit import Cut, within
from adapters.transport.worker import Worker
from gateway.clock import Clock, now

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_BLOCK_BYTES = MEGABYTE


class FolderDrop:
    """Fetches from ``root/folder``. Symbolic links to the folder or to a file in it are not followed."""

    def __init__(
        self,
        root: Path | None,
        folder: str,
        pattern: str,
        *,
        settle: float = SETTLE_SECONDS,
        worker: Worker | None = None,
        clock: Clock = now,
    ) -> None:
        self._root = root
        self._folder = folder
        self._pattern = pattern
        self._settle = settle
        self._worker = worker or Worker()
        self._clock = clock

    async def fetch(self, known: Validators, terms: Terms) -> Feed | Unchanged:
        """See ``Transport``."""
        return await within(terms.seconds, lambda cut: self._fetch(known, terms, cut))

    async def _fetch(self, known: Validators, terms: Terms, cut: Cut) -> Feed | Unchanged:
        try:
            entry = await settled(self._list_files, self._pattern, known=known, seconds=self._settle, clock=self._clock)
            if entry is None:
                return Unchanged()
            async with Landing(terms) as landing:
                loop = asyncio.get_running_loop()
                await self._worker.do(partial(self._copy, entry, landing, loop, cut))
                await require_unchanged(self._list_files, entry)
                return await landing.finish(entry.validators)
        except OSError as error:
            raise FeedError(
                "feed-unreadable", name=self._folder, reason=error.strerror or type(error).__name__
            ) from None

    def _copy(self, entry: Entry, landing: Landing, loop: asyncio.AbstractEventLoop, cut: Cut) -> None:
        """Copy the file block by block, in the worker's thread, which opens and closes it."""
        with self._opened() as folder, _opened_file(folder, entry) as file:
            while not cut.done and (block := os.read(file, _BLOCK_BYTES)):
                asyncio.run_coroutine_threadsafe(landing.take(block), loop).result()

    async def _list_files(self) -> Sequence[tuple[float, Entry]]:
        return await self._worker.do(self._list)

    def _list(self) -> Sequence[tuple[float, Entry]]:
        with self._opened() as folder, os.scandir(folder) as listed:
            states = [(one.name, one.stat(follow_symlinks=False)) for one in islice(listed, MOST_ENTRIES + 1)]
        if len(states) > MOST_ENTRIES:
            raise FeedError("feed-folder-too-full", name=self._folder, most=MOST_ENTRIES)
        return [
            # The sender can set mtime to a date in the future, but not ctime.
            (min(state.st_mtime, state.st_ctime), Entry(name, state.st_size, str(state.st_mtime_ns)))
            for name, state in states
            if stat.S_ISREG(state.st_mode)
        ]

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Open the folder, so that files are listed and read in the same one. Raises FeedError."""
        if self._root is None or not (self._root / self._folder).exists():
            raise FeedError("feed-missing", name=self._folder)
        try:
            handle = os.open(self._root / self._folder, _FOLDER)
        except OSError:
            raise FeedError("feed-unsafe-path", name=self._folder) from None
        try:
            yield handle
        finally:
            os.close(handle)


@contextmanager
def _opened_file(folder: int, entry: Entry) -> Iterator[int]:
    """Open the listed file. Raises FeedError if another kind of file, such as a pipe or a device, has its name now."""
    try:
        handle = os.open(entry.name, _FILE, dir_fd=folder)
    except OSError:
        raise FeedError("feed-being-written", name=entry.name) from None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise FeedError("feed-being-written", name=entry.name)
        yield handle
    finally:
        os.close(handle)
