"""Drops: folders where a platform leaves its exports. The feed is the newest file that is no longer being written.

A date after the present instant does not say which file is newer: some clock was wrong. Such a file is read once, and
remembered with the validators; from then on the feed is what has come since.
"""

import asyncio
import hashlib
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TypeAlias

from adapters.transport.error import FeedError
from adapters.transport.feed import Validators
from gateway.clock import Clock

SETTLE_SECONDS = 5.0
"""How long a file must stay as it is to count as written."""
MOST_ENTRIES = 5_000
"""How many entries a folder may have: more are not exports any more, and listing them costs memory."""
_LOOKS = 4
_MOST_AHEAD = 200
"""How many files with a date in the future are remembered; where there are more, dates alone decide."""
_AHEAD, _SINCE, _LAST = _MEMORY = ("ahead", "since", "last")


@dataclass(frozen=True, slots=True)
class Entry:
    """A plain file of a drop; ``modified`` is its time as the drop tells it. ``memory`` is what the next look needs to
    know of the files beside it, where any has a date in the future.
    """

    name: str
    size: int
    modified: str
    memory: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def validators(self) -> Validators:
        """What tells this file from the next one."""
        return {**self._identity, **self.memory}

    def is_known(self, known: Validators) -> bool:
        """Whether validators are of this very file."""
        return self._identity == {name: value for name, value in known.items() if name not in _MEMORY}

    @property
    def mark(self) -> str:
        """Twelve digits that stand for this file as it is now."""
        return hashlib.sha256(f"{self.name}\0{self.size}\0{self.modified}".encode()).hexdigest()[:12]

    @property
    def _identity(self) -> dict[str, str]:
        return {"name": self.name, "size": str(self.size), "modified": self.modified}


Look: TypeAlias = Callable[[], Awaitable[Sequence[tuple[float, Entry]]]]
"""Lists the plain files of a drop, each with the time it is sorted by (seconds since 1970)."""


async def settled(look: Look, pattern: str, *, known: Validators, seconds: float, clock: Clock) -> Entry | None:
    """The newest file, once it has stayed the same for a while; None when it is the known one. Raises FeedError."""
    seen = newest(await look(), pattern, known=known, now=clock() / 1000)
    if seen.is_known(known):
        return None
    for _ in range(_LOOKS):
        await asyncio.sleep(seconds)
        again = newest(await look(), pattern, known=known, now=clock() / 1000)
        if again == seen:
            return again
        seen = again
    raise FeedError("feed-being-written", name=seen.name)


async def still(look: Look, entry: Entry) -> None:
    """Raises FeedError when the file is no longer what it was before it was read."""
    if entry not in (found for _, found in await look()):
        raise FeedError("feed-being-written", name=entry.name)


def memory_of(validators: Validators) -> Validators:
    """What of a drop's validators still holds when the same file is to be read again."""
    if _SINCE not in validators and _AHEAD not in validators:
        return {}
    last = Entry(validators["name"], int(validators["size"]), validators["modified"])
    return {**{name: value for name, value in validators.items() if name in _MEMORY}, _LAST: last.mark}


def newest(found: Iterable[tuple[float, Entry]], pattern: str, *, known: Validators, now: float) -> Entry:
    """The newest file by date, unless dates in the future are or were among them: then the newest of those that have
    come since the last reading; the known file where there are none. Raises FeedError when no file matches.
    """
    matching = [one for one in found if fnmatchcase(one[1].name, pattern)]
    matching.sort(key=lambda one: (one[0], one[1].name))
    if not matching:
        raise FeedError("feed-missing", name=pattern)
    remembered = frozenset(known.get(_AHEAD, "").split())
    ahead = frozenset(entry.mark for at, entry in matching if at > now or entry.mark in remembered)
    if len(ahead) > _MOST_AHEAD:
        ahead = frozenset()
    believed = [(at, entry) for at, entry in matching if entry.mark not in ahead]
    chosen = _come_since(matching, known, remembered) if ahead else matching[-1][1]
    memory = {_SINCE: repr(believed[-1][0])} if believed else {}
    return replace(chosen, memory=memory | ({_AHEAD: " ".join(sorted(ahead))} if ahead else {}))


def _come_since(matching: Sequence[tuple[float, Entry]], known: Validators, remembered: frozenset[str]) -> Entry:
    """The newest of the files that were not there at the last reading; ``matching`` is in order of the dates."""
    last = next(((at, one) for at, one in matching if one.is_known(known) or one.mark == known.get(_LAST)), None)
    since = -math.inf if last is None or _AHEAD in known else last[0]  # the known file, of a version without a memory
    since = float(known.get(_SINCE, since))
    come = [one for at, one in matching if at > since and one.mark not in remembered and (at, one) != last]
    if come:
        return come[-1]
    return last[1] if last is not None else matching[-1][1]
