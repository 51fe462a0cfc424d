"""How runs of feeds are told: counts as a sentence, problems as a table, everything as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from gateway.cli.console import SEVERITIES
from gateway.protocol.run import Counts, Run
from schemas import localized
from schemas.rulebook import Language

_HEADS: Mapping[Language, tuple[str, ...]] = {
    "fr": ("Élément", "Offre et champ", "Problème et correction"),
    "en": ("Item", "Offer and field", "Problem and how to mend it"),
}
_COUNTS: Mapping[Language, str] = {
    "fr": "{items} élément(s) : {published} à publier ou publié(s), {unchanged} inchangé(s), {refused} refusé(s), "
    "{passed} laissé(s) de côté ; {warned} avec avertissement ; {withdrawn} retiré(s)",
    "en": "{items} item(s): {published} published or to be, {unchanged} unchanged, {refused} refused, "
    "{passed} left out; {warned} with warnings; {withdrawn} withdrawn",
}


def told_counts(counts: Counts, language: Language) -> str:
    """The counts as a sentence."""
    return _COUNTS[language].format_map(asdict(counts))


def table_of_problems(problems: Sequence[Mapping[str, Any]], language: Language) -> Table:
    """The first problems of a feed, errors in red and warnings in yellow."""
    table = Table(*_HEADS[language], box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.columns[1].overflow = "fold"
    table.columns[2].ratio = 1
    for one in problems:
        said = localized(one, language)
        colour = "red" if said["severity"] == "error" else "yellow"
        where = Text.assemble(said["id"] or "?", "\n", (said["pointer"] or "/", "bold"))
        severity = SEVERITIES[language][said["severity"]]
        what = Text.assemble((f"{severity} {said['code']}", colour), f"  {said['message']}\n→ {said['fix']}")
        table.add_row(Text(said["position"]), where, what)
    return table


def told_run(value: Run | Counts) -> dict[str, Any]:
    """A run, or its counts, as JSON."""
    return asdict(value)


def print_json(document: object) -> None:
    """Print JSON that a person can read as well."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
