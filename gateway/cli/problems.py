"""Render problems as tables, per document or per rule, with pointer, message and remedy, in French or English."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

import schemas
from gateway.cli.console import SEVERITIES
from schemas.rulebook import Language, Severity
from schemas.texts import load_words

MOST_ROWS = 100

_WORDS = load_words(SimpleNamespace, "gateway", "problems")
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem of one document; ``problem`` is its JSON in one language."""

    number: int
    id: str | None
    problem: Mapping[str, Any]


def table_of(findings: Sequence[Finding], language: Language) -> Table:
    """One row per problem, at most ``MOST_ROWS``, errors in red and warnings in yellow."""
    table = Table(*_WORDS[language].heads, box=SIMPLE_HEAD, show_lines=False, pad_edge=False, padding=(0, 1))
    table.columns[0].justify = "right"
    table.columns[1].overflow = "fold"
    table.columns[2].ratio = 1
    for finding in findings[:MOST_ROWS]:
        problem = finding.problem
        colour = "red" if problem["severity"] == "error" else "yellow"
        where = Text.assemble(finding.id or "?", "\n", (problem["pointer"] or "/", "bold"))
        severity = SEVERITIES[language][problem["severity"]]
        what = Text.assemble((f"{severity} {problem['code']}", colour), f"  {problem['message']}\n→ {problem['fix']}")
        table.add_row(str(finding.number), where, what)
    if len(findings) > MOST_ROWS:
        table.caption = _WORDS[language].more.format(len(findings) - MOST_ROWS)
    return table


def groups_of(rules: Mapping[str, int], findings: Sequence[Finding], language: Language) -> Table:
    """One row per rule: number of documents, some of their lines, and the remedy; errors first."""
    table = Table(*_WORDS[language].group_heads, box=SIMPLE_HEAD, show_lines=False, pad_edge=False, padding=(0, 1))
    table.columns[0].justify = "right"
    table.columns[1].overflow = "fold"
    table.columns[2].ratio = 1
    lines: dict[str, dict[int, Mapping[str, Any]]] = {}
    for finding in findings:
        lines.setdefault(finding.problem["code"], {}).setdefault(finding.number, finding.problem)

    def weight(counted: tuple[str, int]) -> tuple[bool, int]:
        return _severity(counted[0]) != "error", -counted[1]

    for code, count in sorted(rules.items(), key=weight):
        known = lines.get(code, {})
        some = sorted(known)[:_EXAMPLES]
        numbers = ", ".join(map(str, some)) + (" …" if count > len(some) else "")
        example = known[some[0]] if some else {}
        severity = _severity(code)
        colour = "red" if severity == "error" else "yellow"
        what = f"{example['message']}\n→ {example['fix']}" if example else ""
        table.add_row(
            str(count), Text.assemble((f"{SEVERITIES[language][severity]} {code}", colour), "\n", numbers), what
        )
    return table


def _severity(code: str) -> Severity:
    rule = schemas.catalogue().get(code)
    return "error" if rule is None else rule.severity
