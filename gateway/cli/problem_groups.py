"""Render groups of problems as a table: count, severity, rule, pointer, examples and remedy."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from gateway.cli.console import SEVERITIES
from schemas import localized
from schemas.rulebook import Language
from schemas.texts import load_words

_WORDS = load_words(SimpleNamespace, "gateway", "problem_groups")


def table_of_groups(groups: Sequence[Mapping[str, Any]], language: Language) -> Table:
    """One row per group in the given order, errors in red and warnings in yellow. A problem in a record of an earlier
    version is a group of one.
    """
    table = Table(*_WORDS[language].heads, box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.columns[0].overflow = "fold"
    table.columns[1].overflow = "fold"
    table.columns[1].ratio = 1
    for group in groups:
        said = localized(group, language)
        colour = "red" if said["severity"] == "error" else "yellow"
        head = f"{said.get('count', 1)} × {SEVERITIES[language][said['severity']]}"
        where = said["pointer"] or (_WORDS[language].of_feed if not said["position"] else "/")
        left = Text.assemble((head, colour), f"\n{said['code']}\n", (where, "bold"))
        lines = [said["message"], *_examples(said, language), f"→ {said['fix']}"]
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
    return [", ".join(written) + (f", {_WORDS[language].more.format(more)}" if more > 0 else "")]


def _example(example: Mapping[str, Any], language: Language) -> str:
    where = f"{example['id'] or '?'} [{example['position']}]"
    return f"{where} {_WORDS[language].quoted.format(example['value'])}" if "value" in example else where
