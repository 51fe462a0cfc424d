"""Plays one sequence against the simulated site over HTTP, and compares the site's rows with what should be there."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from demo.national_site.fault import CallFault
from demo.national_site.simulator import NationalSimulator
from demo.process import FastTime
from gateway.partners import Partners
from gateway.protocol.delivery_order import Reconcile
from gateway.protocol.paris_time import PARIS
from gateway.protocol.topic import COMMON
from tests.memory_log import MemoryLog
from tests.national.connector.harness import PASSWORD, ConnectorHarness, accounts_at, document
from tests.national.model.sequence import YEARS, Sequence, Step

SPEED = 2_000.0
ANSWER_SECONDS = 0.25
SETTLE_SECONDS = 60.0
_JUMP_MS = 300_000
_OPERATOR_MS = 24 * 3_600_000
"""Time before a repair: daily retries have been made by then."""
_MAX_JUMPS_MS = 5 * 24 * 3_600_000
_REFUSALS = 10
"""Times that a refused offer is published again before the operator removes the cause of the refusal."""
_LONG_JUMP_MS = 6 * 3_600_000
_LONG_PAUSE_SECONDS = 0.08
_TO_AUGUST_MS = 40 * 24 * 3_600_000
"""Far enough for a site that changes its school year a month after the gateway."""
_LONG_SETTLE_SECONDS = 240.0


def at(day: str) -> int:
    """The instant of a local time in Paris, in milliseconds."""
    return int(datetime.fromisoformat(day).replace(tzinfo=PARIS).timestamp() * 1000)


class JumpingTime(FastTime):
    """Fast time that can also be moved ahead."""

    ahead = 0

    def clock(self) -> int:
        return super().clock() + self.ahead


@dataclass(slots=True)
class Wanted:
    """The expected state of one offer at the site: the title of its last change, None once it is withdrawn."""

    title: str | None
    revision: int
    mixed: bool = False
    year: int = 0


@dataclass(slots=True)
class Report:
    """The result of a sequence. ``differences`` is empty unless the site holds something else than it should."""

    seed: int
    differences: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    calls: int = 0


async def play(sequence: Sequence, folder: Path) -> Report:
    """Play all steps, let everything settle without faults, and compare."""
    async with AsyncExitStack() as stack:
        player = await _Player.open(sequence, folder, stack)
        for step in sequence.steps:
            await player.step(step)
        return await player.settle()


class _Player:
    def __init__(self, sequence: Sequence, harness: ConnectorHarness, time: JumpingTime) -> None:
        self._sequence = sequence
        self._bench = harness
        self._time = time
        self._wanted: dict[str, Wanted] = {}
        self._account = "a"
        self._renamed = 0
        self._titles = 0
        self._flipped = False
        self._report = Report(sequence.seed)

    @classmethod
    async def open(cls, sequence: Sequence, folder: Path, stack: AsyncExitStack) -> "_Player":
        time = JumpingTime(SPEED, start=at("2027-06-30T18:00:00" if sequence.flips else "2027-06-07T10:00:00"))
        log = MemoryLog(clock=time.clock)
        stack.push_async_callback(log.close)
        await log.create_topics(COMMON)
        zone = UTC if sequence.utc else PARIS
        simulator = await stack.enter_async_context(NationalSimulator(clock=time.clock, zone=zone))
        simulator.stock.oldest_first = sequence.oldest_first
        simulator.stock.unknown.flips_in = "august" if sequence.august else "july"
        simulator.stock.unknown.dead_names_are_taken = not sequence.names_are_freed
        names = {"a": ["bretagne"], "b": ["*"]}
        operators = {name: simulator.add_operator(f"{name}@example.org", PASSWORD) for name in names}
        partners = Partners(log)
        stack.push_async_callback(partners.close)
        harness = ConnectorHarness(
            log=log,
            folder=folder,
            time=time,
            simulator=simulator,
            operators=operators,
            accounts=accounts_at(simulator.url, names=names),
            partners=partners,
            answer_seconds=ANSWER_SECONDS,
        )
        stack.push_async_callback(harness.stop)
        await harness.save("bretagne")
        await harness.start()
        return cls(sequence, harness, time)

    async def step(self, step: Step) -> None:
        offer = f"bretagne:{step.offer}"
        match step.kind:
            case "publish" | "change":
                await self._publish(offer, mixed=step.mixed, year=step.year, located=step.located)
            case "withdraw":
                await self._withdraw(offer)
            case "restart":
                await self._restart()
            case "move":
                self._account = "b" if self._account == "a" else "a"
                self._bench.accounts = replace(self._bench.accounts, platforms={"bretagne": self._account})
                await self._restart()
            case "rename":
                await self._rename()
            case "wait":
                await asyncio.sleep(step.seconds)
            case _:
                self._disturb(step, offer)

    def _disturb(self, step: Step, offer: str) -> None:
        faults = self._bench.simulator.faults
        match step.kind:
            case "fault":
                self._report.faults[step.fault] += 1
                kind: Any = step.fault
                faults.order(CallFault(kind, step.method, step.status, step.page, done=step.done, times=step.times))
            case "poison":
                faults.poison(offer, f"{offer}~c", f"{offer}~l", f"{offer}~2")
            case "heal":
                faults.heal()
            case "flip":
                self._time.ahead += max(0, at("2027-07-01T12:00:00") - self._time.clock())
                self._flipped = True

    async def _publish(self, offer: str, *, mixed: bool, year: int, located: bool) -> None:
        before = self._wanted.get(offer)
        self._titles += 1
        wanted = Wanted(f"Titre {self._titles}", 1 if before is None else before.revision + 1, mixed, year)
        weeks = [*YEARS[year], *(["2028-W10"] if mixed else [])]
        changes: dict[str, Any] = {"weeks": sorted(weeks), "revision": wanted.revision, "title": wanted.title}
        if mixed:
            changes["levels"] = ["troisieme", "seconde"]
        if year == 0:
            changes["expires_on"] = "2027-12-31"
        body = document(offer, **changes)
        if located:
            body["location"] |= {"latitude": 48.11, "longitude": -1.68}
        await self._bench.publish(body)
        self._wanted[offer] = wanted

    async def _withdraw(self, offer: str) -> None:
        before = self._wanted.get(offer)
        if before is not None:
            await self._bench.withdraw(offer)
            self._wanted[offer] = replace(before, title=None, revision=before.revision + 1)

    async def _rename(self) -> None:
        """The site gives an account another e-mail, and the operator follows."""
        self._renamed += 1
        email = f"{self._account}{self._renamed}@example.org"
        self._bench.operators[self._account].email = email
        accounts = dict(self._bench.accounts.accounts)
        accounts[self._account] = replace(accounts[self._account], email=email)
        self._bench.accounts = replace(self._bench.accounts, accounts=accounts)
        await self._restart()

    async def _restart(self) -> None:
        await self._bench.stop()
        await self._bench.start(folder=f"national-{self._titles % 2}")

    async def settle(self) -> Report:
        """End all faults, then run until the site holds the expected offers, or the time is up."""
        faults = self._bench.simulator.faults
        faults.clear()
        faults.heal()
        began, jumped, refused, repaired = asyncio.get_running_loop().time(), 0, 0, False
        jump, most = (_LONG_JUMP_MS, _TO_AUGUST_MS) if self._sequence.august else (_JUMP_MS, _MAX_JUMPS_MS)
        limit = _LONG_SETTLE_SECONDS if self._sequence.august else SETTLE_SECONDS
        while asyncio.get_running_loop().time() - began < limit:
            await asyncio.sleep(_LONG_PAUSE_SECONDS if self._sequence.august else 0.02)
            differences = self._differences()
            if not differences:
                await asyncio.sleep(0.1)
                if not self._differences() and await self._is_idle():
                    break
            elif refused < _REFUSALS and await self._publish_refused():
                refused += 1
            elif not repaired and self._needs_reconciling() and jumped >= _OPERATOR_MS:
                repaired, refused = True, 0
                for account in ("a", "b"):
                    await self._bench.order(Reconcile(repair=True, confirm=self._extras(account)), account=account)
            elif jumped < most:
                self._time.ahead += jump
                jumped += jump
        else:
            self._report.differences.append("a delivery still waits for a call")
        self._report.differences += self._differences()
        self._report.calls = sum(self._bench.simulator.answered.values())
        return self._report

    def _needs_reconciling(self) -> bool:
        """Repair faults that only the site's index shows: two rows of a name, and a call that arrived late."""
        return any(step.fault in {"twice", "late"} for step in self._sequence.steps if step.kind == "fault")

    def _extras(self, account: str) -> int:
        rows = self._bench.simulator.stock.own(self._bench.operators[account])
        return sum(row.title not in {one.title for one in self._wanted.values()} for row in rows)

    async def _is_idle(self) -> bool:
        """Whether no part waits for a call that may be made today."""
        parts = [part for one in (await self._bench.deliveries()).values() for part in one.current()]
        return not any(part.attempt is not None or (part.state == "pending" and part.until is None) for part in parts)

    async def _publish_refused(self) -> bool:
        """A publisher who reads that an offer was refused publishes it again."""
        again = [
            one.id
            for one in (await self._bench.deliveries()).values()
            if any(part.state == "refused" and part.until is None for part in one.current())
        ]
        for offer in again:
            wanted = self._wanted[offer]
            if wanted.title is not None:
                await self._publish(offer, mixed=wanted.mixed, year=wanted.year, located=True)
        await asyncio.sleep(0.05 if again else 0)
        return bool(again)

    def _differences(self) -> list[str]:
        """Differences between the live rows and the expected ones."""
        found: Counter[tuple[str, str]] = Counter()
        wrong: list[str] = []
        for row in self._bench.simulator.stock.rows:
            if not row.kept or row.owner is None:
                continue
            offer, group = str(row.remote_id).split("~")[0], "l" if "seconde" in row.grades else "c"
            found[offer, group] += 1
            wanted = self._wanted[offer]
            frozen = self._flipped and wanted.year == 0 and group != "c"
            if wanted.title is None or (not frozen and row.title != wanted.title):
                wrong.append(f"{row.remote_id} is there as {row.title!r}, wanted {wanted.title!r}")
            elif not frozen and row.owner is not self._bench.operators[self._account]:
                wrong.append(f"{row.remote_id} is there under {row.owner.email}")
        wrong += [f"{offer} {group} is there {number} times" for (offer, group), number in found.items() if number > 1]
        return wrong + [f"{' '.join(name)} is missing" for name in self._due() if name not in found]

    def _due(self) -> list[tuple[str, str]]:
        """The parts that the site must hold."""
        due: list[tuple[str, str]] = []
        for offer, wanted in self._wanted.items():
            if wanted.title is None:
                continue
            if wanted.mixed:
                due.append((offer, "c"))
            if wanted.year == (1 if self._flipped else 0):
                due.append((offer, "l"))
        return due
