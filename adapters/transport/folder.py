"""Folder drop: the newest file of a folder on this machine, below the folder of feeds and reached by no link."""

import asyncio
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from adapters.transport.drop import MOST_ENTRIES, SETTLE_SECONDS, Entry, settled, still
from adapters.transport.error import FeedError
from adapters.transport.feed import BLOCK_BYTES, Feed, Terms, Unchanged, Validators
from adapters.transport.landing import Landing

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


class FolderDrop:
    """Reads ``root/folder``. Links are not followed, neither to the folder nor to a file in it."""

    def __init__(self, root: Path | None, folder: str, pattern: str, *, settle: float = SETTLE_SECONDS) -> None:
        self._root = root
        self._folder = folder
        self._pattern = pattern
        self._settle = settle

    async def fetch(self, known: Validators, terms: Terms) -> Feed | Unchanged:
        """See ``Transport``."""
        try:
            async with asyncio.timeout(terms.seconds):
                entry = await settled(self._look, self._pattern, known=known, seconds=self._settle)
                if entry is None:
                    return Unchanged()
                return await self._read(entry, terms)
        except TimeoutError:
            raise FeedError("feed-too-slow", seconds=round(terms.seconds)) from None

    async def _read(self, entry: Entry, terms: Terms) -> Feed:
        async with Landing(terms) as landing:
            with self._opened() as folder, _opened_file(folder, entry.name) as file:
                while block := await asyncio.to_thread(os.read, file, BLOCK_BYTES):
                    await landing.take(block)
            await still(self._look, entry)
            return await landing.finish(entry.validators)

    async def _look(self) -> Sequence[tuple[float, Entry]]:
        return await asyncio.to_thread(self._list)

    def _list(self) -> Sequence[tuple[float, Entry]]:
        with self._opened() as folder, os.scandir(folder) as listed:
            states = [(one.name, one.stat(follow_symlinks=False)) for one in islice(listed, MOST_ENTRIES + 1)]
        if len(states) > MOST_ENTRIES:
            raise FeedError("feed-folder-too-full", name=self._folder, most=MOST_ENTRIES)
        return [
            (state.st_mtime, Entry(name, state.st_size, str(state.st_mtime_ns)))
            for name, state in states
            if stat.S_ISREG(state.st_mode)
        ]

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """The folder itself, so that what is listed and what is read lie in the same one. Raises FeedError."""
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
def _opened_file(folder: int, name: str) -> Iterator[int]:
    try:
        handle = os.open(name, _FILE, dir_fd=folder)
    except OSError:
        raise FeedError("feed-being-written", name=name) from None
    try:
        yield handle
    finally:
        os.close(handle)
