"""Drops: folders where a platform leaves its exports. The feed is the newest file that is no longer being written."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias

from adapters.transport.error import FeedError
from adapters.transport.feed import Validators

SETTLE_SECONDS = 5.0
"""How long a file must stay as it is to count as written."""
MOST_ENTRIES = 5_000
"""How many entries a folder may have: more are not exports any more, and listing them costs memory."""
_LOOKS = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """A plain file of a drop; ``modified`` is its time as the drop tells it."""

    name: str
    size: int
    modified: str

    @property
    def validators(self) -> Validators:
        """What tells this file from the next one."""
        return {"name": self.name, "size": str(self.size), "modified": self.modified}


Look: TypeAlias = Callable[[], Awaitable[Sequence[tuple[float, Entry]]]]
"""Lists the plain files of a drop, each with the time it is sorted by."""


async def settled(look: Look, pattern: str, *, known: Validators, seconds: float) -> Entry | None:
    """The newest file, once it has stayed the same for a while; None when it is the known one. Raises FeedError."""
    seen = _newest(await look(), pattern)
    if dict(seen.validators) == dict(known):
        return None
    for _ in range(_LOOKS):
        await asyncio.sleep(seconds)
        again = _newest(await look(), pattern)
        if again == seen:
            return seen
        seen = again
    raise FeedError("feed-being-written", name=seen.name)


async def still(look: Look, entry: Entry) -> None:
    """Raises FeedError when the file is no longer what it was before it was read."""
    if entry not in (found for _, found in await look()):
        raise FeedError("feed-being-written", name=entry.name)


def _newest(found: Iterable[tuple[float, Entry]], pattern: str) -> Entry:
    matching = [one for one in found if fnmatchcase(one[1].name, pattern)]
    if not matching:
        raise FeedError("feed-missing", name=pattern)
    return max(matching, key=lambda one: (one[0], one[1].name))[1]
