"""Explanation of a case or a requirement: the protocol's sentence, and commands to reproduce it by hand."""

from collections.abc import Iterator
from datetime import date

from rich.console import Console

from conformance.model.case import Case, Document
from conformance.model.coverage import coverage, sentences
from conformance.model.library import cases
from conformance.report.curl import commands_of, render_document
from conformance.script.names import Names
from conformance.words import say
from schemas.rulebook import Language

_PLATFORMS = {
    "publisher": "bretagne",
    "neighbour": "normandie",
    "subscriber": "grand-est",
    "operator": "operateur",
    "national": "national",
}
"""Platforms of the examples; a run takes those of conformance.toml."""


def explain_to(console: Console, name: str, *, seed: str, language: Language, day: date) -> bool:
    """Print a case or a requirement; returns False when the name is unknown."""
    case = next((each for each in cases() if each.id == name), None)
    lines = _case(case, seed, language, day) if case is not None else _requirement(name, language)
    printed = False
    for line in lines:
        printed = True
        console.print(line, markup=False, soft_wrap=True)
    return printed


def _requirement(name: str, language: Language) -> Iterator[str]:
    for each in coverage():
        if each.id == name:
            yield f"{each.id}  {each.sentence[language]}."
            if each.reason is not None:
                yield each.reason[language]
            for case in each.cases:
                yield f"  {case.id}  {case.title[language]}"


def _case(case: Case, seed: str, language: Language, day: date) -> Iterator[str]:
    names = Names(seed=seed, case=case.id, day=_day_of(case, day), platforms=_PLATFORMS, hosts=_HOSTS)
    yield f"{case.id}  {case.title[language]}"
    yield from (f"  {requirement}  {sentences()[requirement][language]}." for requirement in case.requirements)
    yield f"\n{case.explanation[language]}\n→ {case.mend[language]}"
    if isinstance(case.subject, Document):
        yield "\n" + render_document(case, names)
        yield _verdict(case.subject, language)
    yield from ("\n" + command for command in commands_of(case, names, language))


_HOSTS = {"subscriber": "stages.grand-est.example"}


def _day_of(case: Case, day: date) -> date:
    """The day of a case's document where its verdict depends on it, else ``day``."""
    return case.subject.on if isinstance(case.subject, Document) and not case.subject.live else day


def _verdict(document: Document, language: Language) -> str:
    expected = document.expected
    head = (say("accepted") if expected.accepted else say("refused"))[language]
    return "\n".join([f"→ {head}", *(f"   {code}  {pointer or '/'}" for code, pointer in sorted(expected.problems))])
