"""Print what became of sent documents: problems by line and by rule, then the counts."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import typer

from gateway.cli.console import FAILED, OUT
from gateway.cli.document import FileDocument
from gateway.cli.problems import DocumentProblem, groups_of, table_of
from passerelle_client import Line, Summary
from schemas.rulebook import Language
from schemas.texts import load_words

OUTCOMES: Mapping[str, Sequence[str]] = {
    "accepted": ("accepted",),
    "duplicate": ("duplicate",),
    "stale": ("stale",),
    "refused": ("refused", "rejected"),
    "pending": ("pending",),
}
"""In display order, the verdicts of each outcome."""

_WORDS = load_words(SimpleNamespace, "gateway", "tally")


def conclude(summary: Summary, documents: Sequence[FileDocument], language: Language, *, more: str = "") -> None:
    """Print it all, the counts followed by ``more``. Exit with 1 if a document was refused, stale, or is undecided."""
    words = _WORDS[language]
    found = sorted(findings(summary, documents), key=lambda finding: finding.number)
    if found:
        OUT.print(table_of(found, language), soft_wrap=False)
    if summary.rules.total() > 1:
        OUT.print(groups_of(+summary.rules, found, language), soft_wrap=False)
    if summary.omitted:
        OUT.print(words.left_out.format(summary.omitted))
    if summary.receipts:
        OUT.print(words.undecided.format(addresses=", ".join(summary.receipts)))
    OUT.print(counts_of(summary, language) + more)
    if not summary.ok:
        raise typer.Exit(FAILED)


def counts_of(summary: Summary, language: Language) -> str:
    """The counts as a sentence, such as ``3 document(s): 2 accepted, 1 stale``."""
    words = _WORDS[language]
    counted = {one: sum(summary.counts[verdict] for verdict in verdicts) for one, verdicts in OUTCOMES.items()}
    outcomes = ", ".join(f"{number} {words.outcomes[one]}" for one, number in counted.items() if number)
    return str(words.summary.format(read=summary.counts.total(), outcomes=outcomes))


def findings(summary: Summary, documents: Sequence[FileDocument]) -> list[DocumentProblem]:
    """The problems by document; a receipt alone names its offer, not its place in the file."""
    numbers = dict[str, int]()
    if any(outcome.index is None for outcome in summary.wrong):
        numbers = {Line(document.raw).id: document.number for document in documents}
    return [
        DocumentProblem(numbers[one.id] if one.index is None else documents[one.index].number, one.id or None, problem)
        for one in summary.wrong
        for problem in one.problems
    ]
