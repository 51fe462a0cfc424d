"""Tables of problems with pointer, message and remedy: of documents, by rule, or in groups of a source."""

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

_MAX_ROWS = 100

_WORDS = load_words(SimpleNamespace, "gateway", "problems")
_EXAMPLES = 3
_COLOURS: Mapping[Severity, str] = {"error": "red", "warning": "yellow"}


@dataclass(frozen=True, slots=True)
class DocumentProblem:
    """One problem of one document; ``problem`` is its JSON in one language."""

    number: int
    id: str | None
    problem: Mapping[str, Any]


def table_of(findings: Sequence[DocumentProblem], language: Language) -> Table:
    """One row per problem, at most ``_MAX_ROWS``, errors in red and warnings in yellow."""
    table = _table(_WORDS[language].heads)
    table.columns[0].justify = "right"
    for finding in findings[:_MAX_ROWS]:
        problem = finding.problem
        where = Text.assemble(finding.id or "?", "\n", (problem["pointer"] or "/", "bold"))
        severity = problem["severity"]
        what = Text.assemble(
            (f"{SEVERITIES[language][severity]} {problem['code']}", _COLOURS[severity]),
            f"  {problem['message']}\n→ {problem['fix']}",
        )
        table.add_row(str(finding.number), where, what)
    if len(findings) > _MAX_ROWS:
        table.caption = _WORDS[language].more.format(len(findings) - _MAX_ROWS)
    return table


def groups_of(rules: Mapping[str, int], findings: Sequence[DocumentProblem], language: Language) -> Table:
    """One row per rule: number of documents, some of their lines, and the remedy; errors first."""
    table = _table(_WORDS[language].group_heads)
    table.columns[0].justify = "right"
    lines: dict[str, dict[int, Mapping[str, Any]]] = {}
    for finding in findings:
        lines.setdefault(finding.problem["code"], {}).setdefault(finding.number, finding.problem)

    def severity_of(code: str) -> Severity:
        example = next(iter(lines.get(code, {}).values()), None)
        return _severity(code) if example is None else example["severity"]

    def weight(counted: tuple[str, int]) -> tuple[bool, int]:
        return severity_of(counted[0]) != "error", -counted[1]

    for code, count in sorted(rules.items(), key=weight):
        known = lines.get(code, {})
        some = sorted(known)[:_EXAMPLES]
        numbers = ", ".join(map(str, some)) + (" …" if count > len(some) else "")
        example = known[some[0]] if some else {}
        severity = severity_of(code)
        rule = Text.assemble((f"{SEVERITIES[language][severity]} {code}", _COLOURS[severity]), "\n", numbers)
        table.add_row(str(count), rule, f"{example['message']}\n→ {example['fix']}" if example else "")
    return table


def _table(heads: Sequence[str]) -> Table:
    table = Table(*heads, box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for column in table.columns:
        column.overflow = "fold"
    table.columns[-1].ratio = 1
    return table


def _severity(code: str) -> Severity:
    rule = schemas.catalogue().get(code)
    return "error" if rule is None else rule.severity


def table_of_groups(groups: Sequence[Mapping[str, Any]], language: Language) -> Table:
    """One row per group in the given order, errors in red and warnings in yellow. A problem in a record of an earlier
    version is a group of one.
    """
    table = _table(_WORDS[language].source_heads)
    for group in groups:
        body = schemas.localized(group, language)
        head = f"{body.get('count', 1)} × {SEVERITIES[language][body['severity']]}"
        where = body["pointer"] or (_WORDS[language].of_feed if not body["position"] else "/")
        left = Text.assemble((head, _COLOURS[body["severity"]]), f"\n{body['code']}\n", (where, "bold"))
        lines = [body["message"], *_examples(body, language), f"→ {body['fix']}"]
        table.add_row(left, Text("\n".join(lines)))
    return table


def _examples(group: Mapping[str, Any], language: Language) -> Sequence[str]:
    """The line of examples (id, position and value of each); empty for a problem of the whole feed."""
    alone = {"position": group["position"], "id": group["id"]}
    examples = [one for one in group.get("examples", [alone]) if one["position"]]
    if not examples:
        return ()
    written = [_example(one, language) for one in examples]
    more = group.get("count", 1) - len(examples)
    return [", ".join(written) + (f", {_WORDS[language].more_examples.format(more)}" if more > 0 else "")]


def _example(example: Mapping[str, Any], language: Language) -> str:
    where = f"{example['id'] or '?'} [{example['position']}]"
    return f"{where} {_WORDS[language].quoted.format(example['value'])}" if "value" in example else where
