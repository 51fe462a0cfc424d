"""One trial: bytes flipped in a populated data folder, before the gateway starts or while it runs."""

import asyncio
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, closing, contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from adapters.national.delivery.outbox import Outbox
from adapters.national.inbound.state import InboundState
from gateway.errors import PortError, SettingsError
from gateway.oauth.keys import SigningKeyError
from gateway.runtime.sqlite_damage import DamagedCopyError
from tests.damage.flip import Flip, flip
from tests.damage.populated import AnswerError, Populated, ask

IDENTICAL, REBUILT, REFUSED = "identical", "rebuilt", "refused"
GOOD = (IDENTICAL, REBUILT, REFUSED)
_SECONDS = 60.0
_EXAMINED_SECONDS = 240.0
"""The examination begins two minutes after the start."""
_STEP = 0.05


@dataclass(frozen=True)
class Outcome:
    """What became of a trial; one that is not ``GOOD`` says in ``detail`` what was seen."""

    flip: Flip
    running: bool
    name: str
    detail: str = ""


async def attempt(whole: Populated, folder: Path, *, seed: int, workers: int = 0) -> Outcome:
    """Copy the folder, flip, start, ask."""
    rng = random.Random(seed)  # a reproducible choice
    populated = whole.copy(folder)
    running = rng.random() < 0.4  # a share of the trials
    flipped = None if running else flip(folder, rng)
    try:
        if flipped is not None and flipped.file.parts[0] == "national":
            return Outcome(
                flipped, running, *_national(folder / flipped.file, whole.folder / "national", _identity(whole.folder))
            )
        with redirect_stdout(StringIO()), _watched(folder) as removed:
            name, detail, flipped = await _gateway(populated, rng, flipped, workers)
            if (
                running and name == IDENTICAL
            ):  # its memory hid the file: ask again after a restart, which checks nothing
                name, detail, flipped = await _gateway(populated, rng, flipped, workers, examined_later=True)
            if name == IDENTICAL and removed():
                name = REBUILT
        return Outcome(flipped or Flip(Path(), (), "none"), running, name, detail)
    finally:
        shutil.rmtree(folder)


async def _gateway(
    populated: Populated, rng: random.Random, flipped: Flip | None, workers: int, *, examined_later: bool = False
) -> tuple[str, str, Flip | None]:
    try:
        async with AsyncExitStack() as stack:
            gateway, clients = await stack.enter_async_context(populated.opened(workers=workers))
            finished = asyncio.ensure_future(gateway.finished())
            if flipped is None:
                await _settled(clients, finished, populated)
                flipped = flip(populated.folder, rng)
                if flipped.file.parts[0] == "national":
                    return IDENTICAL, "not open", flipped
            try:
                name, detail = await _settled(clients, finished, populated, examined_later=examined_later)
            finally:
                finished.cancel()
    except (PortError, SettingsError, SigningKeyError) as error:
        named = flipped is not None and str(populated.folder) in str(error)
        return (REFUSED if named else "refusal without a name"), str(error), flipped
    except (Exception, ExceptionGroup) as error:  # noqa: BLE001  # what must never happen is reported, not hidden
        return "crash", repr(error), flipped
    return name, detail, flipped


async def _settled(
    clients: Any, finished: "asyncio.Future[None]", populated: Populated, *, examined_later: bool = False
) -> tuple[str, str]:
    """Repeat the requests until all are answered: 503 is accepted for a while, a 500 never. Other content is accepted
    only for a while where the files are examined after the start: a list that lacks an entry.
    """
    waited = ""
    try:
        async with asyncio.timeout(_EXAMINED_SECONDS if examined_later else _SECONDS):
            while True:
                if finished.done():
                    await finished
                try:
                    answers = await ask(clients)
                except AnswerError as error:
                    if error.status != 503:  # Service Unavailable
                        return "error", str(error)
                    waited = str(error)
                    await asyncio.sleep(_STEP)
                    continue
                name, waited = _compared(answers, populated.answers)
                if name == IDENTICAL or not examined_later:
                    return name, waited
                await asyncio.sleep(_STEP)
    except TimeoutError:
        return "never ready", waited


@contextmanager
def _watched(folder: Path) -> Iterator[Callable[[], bool]]:
    """While entered, the call says whether a local copy was removed: one that is rebuilt is another file."""
    with ExitStack() as stack:
        files = [stack.enter_context(one.open("rb")) for one in folder.rglob("*.sqlite") if one.is_file()]
        yield lambda: any(os.fstat(one.fileno()).st_nlink == 0 for one in files)


def _compared(answers: dict[str, Any], before: Any) -> tuple[str, str]:
    for name, answer in answers.items():
        if answer != before[name]:
            return "other content", f"{name}: {str(answer)[:200]} instead of {str(before[name])[:200]}"
    return IDENTICAL, ""


def _national(path: Path, whole: Path, identity: str) -> tuple[str, str]:
    """The connector's copies, as its accounts open and read them."""
    before = _read(whole / path.name, identity)
    kind = Outbox if path.name.startswith("outbox") else InboundState
    with redirect_stdout(StringIO()), _watched(path.parent) as removed:
        copy = kind(path, log=identity)
        try:
            with copy.guarded():
                found = _rows(copy)
        except DamagedCopyError:
            copy.mend()
            found = _rows(copy)
        finally:
            copy.close()
        if removed():
            return REBUILT, ""
    return (IDENTICAL, "") if found == before else ("other content", path.name)


def _read(path: Path, identity: str) -> Sequence[Any]:
    copy = (Outbox if path.name.startswith("outbox") else InboundState)(path, log=identity)
    try:
        return _rows(copy)
    finally:
        copy.close()


def _rows(copy: Outbox | InboundState) -> Sequence[Any]:
    if isinstance(copy, Outbox):
        ids = list(copy.ids())
        return [ids, [copy.offer(one) for one in ids], [copy.delivery(one) for one in ids], copy.ready(99, limit=999)]
    return [copy.live(), list(copy.missing(scans=0))]


def _identity(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "national" / "inbound.sqlite")) as copy:
        return str(copy.execute("SELECT value FROM meta WHERE name = 'log'").fetchone()[0])
