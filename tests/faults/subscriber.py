"""A subscriber of the changes feed: follows its cursor and records the changes."""

import asyncio
from random import Random
from typing import Any
from urllib.parse import urlencode

from tests.faults.history import History, Reading, Seen
from tests.faults.wire import Line, NoAnswerError, NotSentError

_PAUSE_AFTER_FAILURE = 0.2


class Subscriber:
    """Follows from the start. ``sleep`` is the longest nap, in seconds, between two pages; ``asked`` its filter."""

    def __init__(
        self,
        line: Line,
        history: History,
        *,
        name: str,
        random: Random,
        asked: dict[str, str] | None = None,
        sleep: float = 0.0,
        quiet: bool = False,
    ) -> None:
        self._line = line
        self._history = history
        self._name = name
        self._asked = asked or {}
        self._sleep = sleep
        self._random = random
        self._quiet = quiet
        self._cursor: str | None = None
        self.reading = self._begin()
        self.wrong: list[str] = []
        self.ended = False
        """Whether the last page was the last one there was."""

    async def follow(self) -> None:
        """Read until cancelled."""
        while True:
            await self.read(wait=1)
            await asyncio.sleep(self._random.uniform(0.01, self._sleep + 0.02))

    async def read(self, *, wait: int = 0) -> None:
        """One page: its changes and its cursor are kept together, or neither."""
        limit = self._random.choice((7, 50, 400))
        query: dict[str, Any] = {"territory": "all", "wait": wait, "limit": limit, **self._asked}
        if self._cursor is not None:
            query["cursor"] = self._cursor
        try:
            answer = await self._line.call("GET", f"/v1/changes?{urlencode(query)}")
        except (NotSentError, NoAnswerError):
            await asyncio.sleep(_PAUSE_AFTER_FAILURE)
            return
        match answer.status:
            case 200:
                self.reading.seen += [_seen(change) for change in answer.body["changes"]]
                self._cursor, self.ended = answer.body["cursor"], not answer.body["more"]
            case 410:
                self.reading.standing = False
                self._cursor, self.reading = None, self._begin()
            case 503:
                await asyncio.sleep(_PAUSE_AFTER_FAILURE)
            case _:
                self.wrong.append(f"{self._name} was answered {answer.status} {answer.body}")
                await asyncio.sleep(_PAUSE_AFTER_FAILURE)

    async def until(self, held: dict[str, int], *, seconds: float) -> None:
        """Read until the copy equals this, or time is up: the checker reports differences."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not (self.ended and self.reading.held == held) and asyncio.get_running_loop().time() < deadline:
            await self.read()
            await asyncio.sleep(0.05)

    def _begin(self) -> Reading:
        reading = Reading(self._name, quiet=self._quiet)
        self._history.readings.append(reading)
        return reading


def _seen(change: dict[str, Any]) -> Seen:
    revision = change["offer"]["revision"] if change["op"] == "upsert" else None
    return Seen(change["op"], change["id"], change["sequence"], revision)
