"""Drops: folders with a platform's exports. The feed is the newest file that is completely written.

A date in the future does not order files: a clock was wrong. Such a file is read once and remembered in the validators;
from then on the feed is the newest file added since. ``FolderDrop`` is a drop on this machine.
"""

import asyncio
import hashlib
import math
import os
import stat
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from adapters.transport.feed import MEGABYTE, Feed, FeedError, FetchLimits, Unchanged, Validators
from adapters.transport.landing import Landing
from adapters.transport.limit import Cut, PlatformThread, within
from gateway.clock import Clock, now

SETTLE_SECONDS = 5.0
"""A file counts as written after this time without a change."""
MAX_ENTRIES = 5_000
"""Most entries of a folder: more are not exports, and listing them costs memory."""
_LISTINGS = 4
_MAX_AHEAD = 200
"""Most files with a date in the future that are remembered; with more, only dates decide."""
_AHEAD, _SINCE, _LAST = _MEMORY = ("ahead", "since", "last")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_BLOCK_BYTES = MEGABYTE


@dataclass(frozen=True, slots=True)
class DropFile:
    """A plain file of a drop; ``modified`` is its time in the drop's notation. ``memory`` holds data about
    the other files for the next listing, if any of them has a date in the future.
    """

    name: str
    size: int
    modified: str
    memory: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def validators(self) -> Validators:
        """Identify this version of the file, with the memory."""
        return {**self._identity, **self.memory}

    def is_known(self, known: Validators) -> bool:
        """Whether the validators identify this file and version."""
        return self._identity == {name: value for name, value in known.items() if name not in _MEMORY}

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits that identify this version of the file."""
        return hashlib.sha256(f"{self.name}\0{self.size}\0{self.modified}".encode()).hexdigest()[:12]

    @property
    def _identity(self) -> dict[str, str]:
        return {"name": self.name, "size": str(self.size), "modified": self.modified}


Lister: TypeAlias = Callable[[], Awaitable[Sequence[tuple[float, DropFile]]]]
"""Lists the plain files of a drop, each with its sort time (seconds since 1970)."""


async def settled(
    list_files: Lister, pattern: str, *, known: Validators, seconds: float, clock: Clock
) -> DropFile | None:
    """The newest file once it has not changed for ``seconds``; None if it is the known one. Raises FeedError."""
    seen = newest(await list_files(), pattern, known=known, now=clock() / 1000)
    if seen.is_known(known):
        return None
    for _ in range(_LISTINGS):
        await asyncio.sleep(seconds)
        again = newest(await list_files(), pattern, known=known, now=clock() / 1000)
        if again == seen:
            return again
        seen = again
    raise FeedError("feed-being-written", name=seen.name)


async def require_unchanged(list_files: Lister, entry: DropFile) -> None:
    """Raise FeedError if the file has changed while it was read."""
    if entry not in (found for _, found in await list_files()):
        raise FeedError("feed-being-written", name=entry.name)


def memory_of(validators: Validators) -> Validators:
    """The part of a drop's validators to keep when the same file must be read again."""
    if _SINCE not in validators and _AHEAD not in validators:
        return {}
    last = DropFile(validators["name"], int(validators["size"]), validators["modified"])
    return {**{name: value for name, value in validators.items() if name in _MEMORY}, _LAST: last.fingerprint}


def newest(found: Iterable[tuple[float, DropFile]], pattern: str, *, known: Validators, now: float) -> DropFile:
    """The newest file by date. Raises FeedError if no file matches.

    If files have or had dates in the future: the newest of those added since the last reading, else the known file.
    """
    matching = [one for one in found if fnmatchcase(one[1].name, pattern)]
    matching.sort(key=lambda one: (one[0], one[1].name))
    if not matching:
        raise FeedError("feed-missing", name=pattern)
    remembered = frozenset(known.get(_AHEAD, "").split())
    ahead = frozenset(entry.fingerprint for at, entry in matching if at > now or entry.fingerprint in remembered)
    if len(ahead) > _MAX_AHEAD:
        ahead = frozenset()
    trusted = [(at, entry) for at, entry in matching if entry.fingerprint not in ahead]
    chosen = _come_since(matching, known, remembered) if ahead else matching[-1][1]
    memory = {_SINCE: repr(trusted[-1][0])} if trusted else {}
    return replace(chosen, memory=memory | ({_AHEAD: " ".join(sorted(ahead))} if ahead else {}))


def _come_since(matching: Sequence[tuple[float, DropFile]], known: Validators, remembered: frozenset[str]) -> DropFile:
    """The newest file added since the last reading, else the known file; ``matching`` is in order of dates."""
    last = next(((at, one) for at, one in matching if one.is_known(known) or one.fingerprint == known.get(_LAST)), None)
    since = -math.inf if last is None or _AHEAD in known else last[0]  # validators written before the memory existed
    since = float(known.get(_SINCE, since))
    come = [one for at, one in matching if at > since and one.fingerprint not in remembered and (at, one) != last]
    if come:
        return come[-1]
    return last[1] if last is not None else matching[-1][1]


class FolderDrop:
    """Fetches from ``root/folder``. Symbolic links to the folder or to a file in it are not followed."""

    def __init__(
        self,
        root: Path | None,
        folder: str,
        pattern: str,
        *,
        settle: float = SETTLE_SECONDS,
        worker: PlatformThread | None = None,
    ) -> None:
        self._root = root
        self._folder = folder
        self._pattern = pattern
        self._settle = settle
        self._worker = worker or PlatformThread()

    async def fetch(self, known: Validators, limits: FetchLimits) -> Feed | Unchanged:
        """See ``Transport``."""
        return await within(limits.seconds, lambda cut: self._fetch(known, limits, cut))

    async def _fetch(self, known: Validators, limits: FetchLimits, cut: Cut) -> Feed | Unchanged:
        try:
            entry = await settled(self._list_files, self._pattern, known=known, seconds=self._settle, clock=now)
            if entry is None:
                return Unchanged()
            async with Landing(limits) as landing:
                loop = asyncio.get_running_loop()
                await self._worker.do(partial(self._copy, entry, landing, loop, cut))
                await require_unchanged(self._list_files, entry)
                return await landing.finish(entry.validators)
        except OSError as error:
            raise FeedError(
                "feed-unreadable", name=self._folder, reason=error.strerror or type(error).__name__
            ) from None

    def _copy(self, entry: DropFile, landing: Landing, loop: asyncio.AbstractEventLoop, cut: Cut) -> None:
        """Copy the file block by block, in the worker's thread, which opens and closes it."""
        with self._opened() as folder, _opened_file(folder, entry) as file:
            while not cut.done and (block := os.read(file, _BLOCK_BYTES)):
                asyncio.run_coroutine_threadsafe(landing.take(block), loop).result()

    async def _list_files(self) -> Sequence[tuple[float, DropFile]]:
        return await self._worker.do(self._list)

    def _list(self) -> Sequence[tuple[float, DropFile]]:
        with self._opened() as folder, os.scandir(folder) as listed:
            states = [(one.name, one.stat(follow_symlinks=False)) for one in islice(listed, MAX_ENTRIES + 1)]
        if len(states) > MAX_ENTRIES:
            raise FeedError("feed-folder-too-full", name=self._folder, most=MAX_ENTRIES)
        return [
            # The sender can set mtime to a date in the future, but not ctime.
            (min(state.st_mtime, state.st_ctime), DropFile(name, state.st_size, str(state.st_mtime_ns)))
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
def _opened_file(folder: int, entry: DropFile) -> Iterator[int]:
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
