"""The kill matrix: which case catches which wrong gateway, publisher, subscriber and national site.

``python -m tests.conformance.matrix`` writes docs/conformance/matrix.md (``gateways``, ``programs``, ``topics``,
``partners`` or ``sites`` behind it: that section only), and fails when one survives. It takes a quarter of an hour, and
Java and Maven for the topics, or a running cluster in ``KAFKA_BOOTSTRAP_SERVERS``.
"""

import asyncio
import itertools
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from conformance.clock import today
from conformance.model.case import Case
from conformance.model.library import cases
from conformance.model.result import Outcome, Result
from conformance.target.setup import Setup
from conformance.version import KIT_VERSION
from demo.broker import LocalBroker
from tests.conformance.gateway_fixture import played_on, running_gateway
from tests.conformance.mutants.known_partners import PARTNERS, WrongPartner
from tests.conformance.mutants.known_sites import SITES
from tests.conformance.mutants.programs import WRONG_PROGRAMS, WrongProgram, wrong_gateway
from tests.conformance.mutants.proxy import MUTANTS, Mutant, proxied
from tests.conformance.mutants.table import register_all
from tests.conformance.mutants.topics import WRONG_TOPICS
from tests.conformance.partner_fixtures import cases_of, played, role_of
from tests.conformance.site_fixture import played_before
from tests.conformance.topic_rewriter import reading, rewritten

PAGE = Path(__file__).parents[2] / "docs/conformance/matrix.md"
_MODULES = sorted(path.stem for path in (Path(__file__).parent / "mutants").glob("*.py") if path.stem[:5] != "test_")
for _name in _MODULES:
    import_module(f"tests.conformance.mutants.{_name}")  # each registers its wrong systems
register_all(_MODULES)
_BEFORE = {f"publisher/{name}" for name in ("creates", "changes", "withdraws", "too-many", "unavailable-though-stored")}
"""What is played before cases that check everything that was sent."""
_COUNTS = ("batch/every-outcome", "statistics/every-verdict", "statistics/of-oneself-only")
"""Counts may come two minutes later: these are played with a gateway of their own, and with all patience."""
_SLOW = {"error/inflating", "security/guessing", "crash/restart-amid-publications", *_COUNTS[1:]}
_PATIENCE = 0.3
_OF_EACH_FAMILY = 2
_TOGETHER, _PARTNERS_TOGETHER = 4, 16
"""How many mutants run at once: most of the time is waiting."""


class Wrong(Protocol):
    """A system that is wrong on purpose: its name, what is wrong with it, and what must catch it.

    ``names`` is a case, or a requirement: then one of the cases of that requirement.
    """

    @property
    def name(self) -> str: ...
    @property
    def fault(self) -> str: ...
    @property
    def names(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Catch:
    """The cases that caught a mutant: those that name its fault, and others."""

    mutant: Wrong
    by: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """Killed by what it names, by another, or survived."""
        return "named" if self.by else "another" if self.others else "survives"


async def play(
    setup: Setup, mutant: Mutant, chosen: Sequence[Case], *, seed: str, fail_fast: bool = False
) -> list[Result]:
    """Results on a gateway with this fault, or those up to the first failure. The gateway is not killed: the fault has
    the effect of a kill.
    """
    async with proxied(setup.target, mutant.answer, issues=mutant.issues) as url:
        there = replace(setup, target=url, features={}, restart="true")
        return await played_on(there, chosen, seed=seed, fail_fast=fail_fast)


def gateway_cases() -> list[Case]:
    """Every case of the role gateway."""
    return [case for case in cases() if "gateway" in case.roles and not case.unsupported]


def candidates(mutant: Mutant) -> list[Case]:
    """The cases about the same requirements, and some of every family."""
    named = naming(mutant, gateway_cases())
    asked = {requirement for case in named for requirement in case.requirements}
    families: Counter[str] = Counter()
    chosen = []
    for case in gateway_cases():
        families[case.family] += 1
        if case in named or (
            case.id not in _SLOW and (asked & set(case.requirements) or families[case.family] <= _OF_EACH_FAMILY)
        ):
            chosen.append(case)
    return chosen


def naming(mutant: Wrong, known: Iterable[Case]) -> list[Case]:
    """The cases that must catch it: the one that it names, or those of the requirement that it names."""
    return [case for case in known if _meets(mutant, case) and (case.id not in _SLOW or case.id == mutant.names)]


def _meets(mutant: Wrong, case: Case) -> bool:
    return mutant.names == case.id or mutant.names in case.requirements


def caught(mutant: Wrong, results: Sequence[Result]) -> Catch:
    """The results among these that caught the mutant."""
    failed = {result.case.id: result.case for result in results if result.outcome is Outcome.FAIL}
    by = {case.id for case in failed.values() if _meets(mutant, case)}
    return Catch(mutant, tuple(sorted(by)), tuple(sorted(set(failed) - by)))


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
            catches += [_noted(await _examine_gateway(eager, mutant)) for mutant in waiting]
    return catches


async def _examine_gateway(eager: Setup, mutant: Mutant) -> Catch:
    """Whether a case that it names catches it; else which others do. A failure has to repeat: on a busy machine a
    deadline may be missed once.
    """
    for chosen, fail_fast in ((naming(mutant, gateway_cases()), True), (candidates(mutant), False)):
        seed = f"matrix {mutant.name} {fail_fast}"
        first = await play(eager, mutant, chosen, seed=seed, fail_fast=fail_fast)
        failed = [result.case for result in first if result.outcome is Outcome.FAIL]
        again = await play(eager, mutant, failed, seed=f"again {seed}")
        catch = caught(mutant, again)
        if catch.by:
            return catch
    counted = any(_meets(mutant, case) for case in gateway_cases() if case.id in _COUNTS[1:])
    return await _examine_counts(mutant) if counted else catch


async def _examine_counts(mutant: Mutant) -> Catch:
    """Whether a case about counts catches it, on a gateway that has counted nothing yet."""
    chosen = [case for name in _COUNTS for case in gateway_cases() if case.id == name]
    with tempfile.TemporaryDirectory() as folder:
        async with running_gateway(Path(folder)) as setup:
            results = await play(setup, mutant, chosen, seed=f"counts {mutant.name}", fail_fast=True)
    return caught(mutant, results)


async def examine_programs() -> list[Catch]:
    """Every wrong gateway of the table, with the cases that it names; several at once, each in a process of its own."""
    waiting = iter(WRONG_PROGRAMS.values())
    found = await asyncio.gather(*(_examine_programs(waiting) for _ in range(_TOGETHER)))
    return _in_order(WRONG_PROGRAMS, itertools.chain.from_iterable(found))


async def _examine_programs(waiting: Iterator[WrongProgram]) -> list[Catch]:
    return [_noted(caught(mutant, await play_program(mutant))) for mutant in waiting]


async def play_program(mutant: WrongProgram) -> list[Result]:
    """Results of a wrong gateway of the table in the cases that it names, up to the first failure that repeats."""
    async with wrong_gateway(mutant) as setup:
        eager, named = replace(setup, patience=_PATIENCE), naming(mutant, gateway_cases())
        first = await played_on(eager, named, seed=f"matrix {mutant.name}", fail_fast=True)
        failed = [result.case for result in first if result.outcome is Outcome.FAIL]
        return await played_on(eager, failed, seed=f"again {mutant.name}", fail_fast=True)


@contextmanager
def _cluster() -> Iterator[str]:
    """The servers of the running cluster that is named, or of a local broker."""
    if named := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield named
        return
    with LocalBroker() as broker:
        yield broker.bootstrap_servers


async def examine_topics() -> list[Catch]:
    """Every wrong topic, with the cases that it names, on one gateway on Kafka."""
    with tempfile.TemporaryDirectory() as folder, _cluster() as servers:
        async with running_gateway(Path(folder), servers) as setup:
            eager, catches = replace(setup, patience=_PATIENCE), []
            for mutant in WRONG_TOPICS.values():
                chosen = reading(naming(mutant, gateway_cases()))
                async with rewritten(eager, mutant) as wrong:
                    results = await played_on(wrong, chosen, seed=f"matrix {mutant.name}", fail_fast=True)
                catches.append(_noted(caught(mutant, results)))
    return catches


async def examine_partners() -> list[Catch]:
    """Every wrong publisher and subscriber, with the cases that it names."""
    waiting = iter(PARTNERS.values())
    found = await asyncio.gather(*(_examine_partners(waiting) for _ in range(_PARTNERS_TOGETHER)))
    return _in_order(PARTNERS, itertools.chain.from_iterable(found))


async def _examine_partners(waiting: Iterator[WrongPartner]) -> list[Catch]:
    return [_noted(caught(mutant, await play_partner(mutant))) for mutant in waiting]


async def play_partner(mutant: WrongPartner) -> list[Result]:
    """Results of a wrong partner in the cases that it names, and in what is played before them."""
    chosen = naming(mutant, cases_of(role_of(mutant.made)))
    watched = any(case.family == "watched" for case in chosen)
    before = [case for case in cases_of("publisher") if case.id in _BEFORE] if watched else []
    return list(await played(mutant.made, chosen, patience=_PATIENCE, before=before))


async def examine_sites() -> list[Catch]:
    """Every wrong national site, with the cases that it names, all at once: the rate limit makes them wait."""
    known = [case for case in cases() if "national" in case.roles]
    found = await asyncio.gather(*(played_before(each.answer, naming(each, known)) for each in SITES.values()))
    return [_noted(caught(mutant, results)) for mutant, results in zip(SITES.values(), found, strict=True)]


def _in_order(known: Iterable[str], catches: Iterable[Catch]) -> list[Catch]:
    found = {each.mutant.name: each for each in catches}
    return [found[name] for name in known]


def _noted(catch: Catch) -> Catch:
    sys.stderr.write(f"{catch.mutant.name}: {catch.verdict} {catch.by} {catch.others}\n")
    return catch


_HEAD = """# The kill matrix

Systems that are wrong on purpose, and the cases that catch them: the test of the kit itself. Generated by `make
matrix` before a release; it takes a quarter of an hour. A wrong system names a case, or the requirement whose
sentence it breaks: then a case of that requirement has to catch it. Wrong gateways were played with what they name,
up to the first catch, and, where nothing caught them, with the cases that share a requirement and with two of every
family; wrong topics, publishers, subscribers and national sites with what they name. In every build, `test_mutants.py`,
`test_topics.py` and `test_programs.py` in `tests/conformance/mutants/`, `test_partners.py` and `test_national_role.py`
in `tests/conformance/role/` play one wrong gateway of each requirement and all other wrong systems.

"""
_SECTIONS: Mapping[str, tuple[str, Callable[[], Coroutine[Any, Any, list[Catch]]]]] = {
    "gateways": ("Gateways", examine_gateways),
    "programs": ("The independent gateway with a few lines changed", examine_programs),
    "topics": ("Subscriber topics", examine_topics),
    "partners": ("Publishers and subscribers", examine_partners),
    "sites": ("The national site", examine_sites),
}


def write_section(title: str, catches: Sequence[Catch]) -> str:
    """The text of one section."""
    counted = Counter(each.verdict for each in catches)
    lines = [
        f"## {title}",
        "",
        (
            f"{today()}, kit {KIT_VERSION}: {len(catches)} wrong systems, {counted['named']} caught by what they name, "
            f"{counted['another']} by another, {counted['survives']} not."
        ),
        "",
        "| wrong on purpose | what is wrong with it | names | caught by | and by |",
        "|---|---|---|---|---|",
    ]
    for each in catches:
        by = _listed(each.by) if each.by else "another" if each.others else "**survives**"
        others = _listed(each.others) or "–"
        lines.append(f"| `{each.mutant.name}` | {each.mutant.fault} | `{each.mutant.names}` | {by} | {others} |")
    return "\n".join(lines) + "\n"


def _listed(ids: Iterable[str]) -> str:
    return ", ".join(f"`{one}`" for one in ids)


def main(wanted: Sequence[str]) -> bool:
    """Examine these sections, or all; the others stay as the page has them. True when nothing survives."""
    kept = dict(_read_page())
    survivors = 0
    for name in wanted or list(_SECTIONS):
        title, examine = _SECTIONS[name]
        catches = asyncio.run(examine())
        kept[name] = write_section(title, catches)
        survivors += sum(not each.by for each in catches)
    PAGE.write_text(_HEAD + "\n".join(kept[name] for name in _SECTIONS if name in kept), encoding="utf-8")
    return survivors == 0


def _read_page() -> Iterator[tuple[str, str]]:
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    for part in text.split("\n## ")[1:]:
        title = part.partition("\n")[0]
        yield from ((name, f"## {part.rstrip()}\n") for name, (known, _) in _SECTIONS.items() if known == title)


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1:]) else 1)
