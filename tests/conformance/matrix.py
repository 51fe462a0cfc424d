"""The kill matrix: which case catches which wrong gateway, publisher, subscriber and national site.

``python -m tests.conformance.matrix`` writes docs/conformance/matrix.md (``gateways``, ``partners`` or ``sites`` behind
it: that section only), and fails when one survives. It takes a quarter of an hour.
"""

import asyncio
import itertools
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from conformance.clock import today
from conformance.model.case import Case
from conformance.model.library import cases
from conformance.model.result import Outcome, Result
from conformance.role.gateway import GatewayRole
from conformance.role.runner import run_cases
from conformance.target.setup import Setup
from tests.conformance.gateway_fixture import running_gateway
from tests.conformance.mutants import crashing, documents, guarding, publishing, reading
from tests.conformance.mutants.partners import PARTNERS, WrongPartner
from tests.conformance.mutants.proxy import MUTANTS, Mutant, proxied
from tests.conformance.mutants.sites import SITES
from tests.conformance.partner_fixtures import cases_of, played, role_of
from tests.conformance.site_fixture import played_before

PAGE = Path(__file__).parents[2] / "docs/conformance/matrix.md"
MODULES = (documents, publishing, reading, guarding, crashing)
_SLOW = {"error/inflating", "security/guessing", "crash/restart-amid-publications"}
_PATIENCE = 0.3
_OF_EACH_FAMILY = 2
_TOGETHER = 4
"""How many mutants run at once: most of the time is waiting."""


class Wrong(Protocol):
    """A system that is wrong on purpose: its name, what is wrong with it, and the case that must catch it."""

    @property
    def name(self) -> str: ...
    @property
    def fault(self) -> str: ...
    @property
    def case(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Catch:
    """The cases that caught a mutant: the one that names its fault, and others."""

    mutant: Wrong
    named: bool
    others: tuple[str, ...]


async def play(setup: Setup, mutant: Mutant, chosen: Sequence[Case], *, day: date, seed: str) -> list[Result]:
    """Results on a gateway with this fault. The gateway is not killed: the fault has the effect of a kill."""
    async with proxied(setup.target, mutant.answer) as url, aiohttp.ClientSession() as session:
        there = replace(setup, target=url, features={}, restart="true")
        role = GatewayRole(there, session, seed=seed, day=lambda: day)
        return await run_cases(chosen, role, there, on=day)


def gateway_cases() -> list[Case]:
    """Every case of the role gateway."""
    return [case for case in cases() if "gateway" in case.roles and not case.unsupported]


def candidates(mutant: Mutant) -> list[Case]:
    """The cases about the same requirements, and some of every family."""
    asked = next(set(case.requirements) for case in gateway_cases() if case.id == mutant.case)
    families: Counter[str] = Counter()
    chosen = []
    for case in gateway_cases():
        families[case.family] += 1
        if case.id == mutant.case or (
            case.id not in _SLOW and (asked & set(case.requirements) or families[case.family] <= _OF_EACH_FAMILY)
        ):
            chosen.append(case)
    return chosen


def caught(mutant: Wrong, results: Sequence[Result]) -> Catch:
    """The results among these that caught the mutant."""
    failed = [result.case.id for result in results if result.outcome is Outcome.FAIL]
    return Catch(mutant, mutant.case in failed, tuple(sorted(set(failed) - {mutant.case})))


async def examine_gateways() -> list[Catch]:
    """Every wrong gateway, several at once, each with a gateway of its own."""
    waiting = iter(MUTANTS.values())
    found = await asyncio.gather(*(_examine_gateways(waiting) for _ in range(_TOGETHER)))
    return _in_order(MUTANTS, itertools.chain.from_iterable(found))


async def _examine_gateways(waiting: Iterator[Mutant]) -> list[Catch]:
    catches = []
    with tempfile.TemporaryDirectory() as folder:
        async with running_gateway(Path(folder)) as setup:
            eager = replace(setup, patience=_PATIENCE)
            for mutant in waiting:
                first = await play(eager, mutant, candidates(mutant), day=today(), seed=f"matrix {mutant.name}")
                # A failure has to repeat: on a busy machine a deadline may be missed once.
                failed = [result.case for result in first if result.outcome is Outcome.FAIL]
                again = await play(eager, mutant, failed, day=today(), seed=f"again {mutant.name}")
                catches.append(_noted(caught(mutant, again)))
    return catches


async def examine_partners() -> list[Catch]:
    """Every wrong publisher and subscriber, with all cases of its role."""
    waiting = iter(PARTNERS.values())
    found = await asyncio.gather(*(_examine_partners(waiting) for _ in range(_TOGETHER)))
    return _in_order(PARTNERS, itertools.chain.from_iterable(found))


async def _examine_partners(waiting: Iterator[WrongPartner]) -> list[Catch]:
    catches = []
    for mutant in waiting:
        results = await played(mutant.made, cases_of(role_of(mutant.made)), patience=_PATIENCE)
        catches.append(_noted(caught(mutant, results)))
    return catches


async def examine_sites() -> list[Catch]:
    """Every wrong national site, all at once: the rate limit makes them wait."""
    chosen = [case for case in cases() if "national" in case.roles]
    found = await asyncio.gather(*(played_before(each.answer, chosen) for each in SITES.values()))
    return [_noted(caught(mutant, results)) for mutant, results in zip(SITES.values(), found, strict=True)]


def _in_order(known: Iterable[str], catches: Iterable[Catch]) -> list[Catch]:
    found = {each.mutant.name: each for each in catches}
    return [found[name] for name in known]


def _noted(catch: Catch) -> Catch:
    sys.stderr.write(f"{catch.mutant.name}: {'caught' if catch.named else 'SURVIVES'} {catch.others}\n")
    return catch


_HEAD = """# The kill matrix

Systems that are wrong on purpose, and the cases that catch them: the test of the kit itself. Generated by
`python -m tests.conformance.matrix`; in `tests/conformance/`, `test_mutants.py`, `test_partners.py` and
`test_national_role.py` fail when a system passes the case that names its fault. The last column lists other cases that
catch it: a fault has consequences. Each wrong gateway was tested with the cases that share a requirement with the one
that names its fault, and with two of every family; each wrong publisher, subscriber and national site with all cases of
its role.

"""
_SECTIONS: Mapping[str, tuple[str, Callable[[], Coroutine[Any, Any, list[Catch]]]]] = {
    "gateways": ("Gateways", examine_gateways),
    "partners": ("Publishers and subscribers", examine_partners),
    "sites": ("The national site", examine_sites),
}


def write_section(title: str, catches: Sequence[Catch]) -> str:
    """The text of one section."""
    lines = [
        f"## {title}",
        "",
        f"{len(catches)} wrong systems, {sum(each.named for each in catches)} caught.",
        "",
        "| wrong on purpose | what is wrong with it | caught by | and by |",
        "|---|---|---|---|",
    ]
    for each in catches:
        named = f"`{each.mutant.case}`" if each.named else "**survives**"
        others = ", ".join(f"`{one}`" for one in each.others) or "–"
        lines.append(f"| `{each.mutant.name}` | {each.mutant.fault} | {named} | {others} |")
    return "\n".join(lines) + "\n"


def main(wanted: Sequence[str]) -> bool:
    """Examine these sections, or all; the others stay as the page has them. True when nothing survives."""
    kept = dict(_read_page())
    survivors = 0
    for name in wanted or list(_SECTIONS):
        title, examine = _SECTIONS[name]
        catches = asyncio.run(examine())
        kept[name] = write_section(title, catches)
        survivors += sum(not each.named for each in catches)
    PAGE.write_text(_HEAD + "\n".join(kept[name] for name in _SECTIONS if name in kept), encoding="utf-8")
    return survivors == 0


def _read_page() -> Iterator[tuple[str, str]]:
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    for part in text.split("\n## ")[1:]:
        title = part.partition("\n")[0]
        yield from ((name, f"## {part.rstrip()}\n") for name, (known, _) in _SECTIONS.items() if known == title)


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1:]) else 1)
