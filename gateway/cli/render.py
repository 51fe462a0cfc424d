"""Render runs: counts as a sentence, a run as a JSON document."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import typer

from gateway.protocol.source_run import Counts, Run
from schemas.rulebook import Language
from schemas.texts import load_words

_WORDS: Mapping[Language, dict[str, str]] = load_words(dict, "gateway", "runs")


def render_sample(counts: Counts, severities: Mapping[str, int], language: Language) -> str:
    """The counts of an evaluated sample, as a sentence; ``severities`` counts problems."""
    said = asdict(counts) | {"errors": severities["error"], "warnings": severities["warning"]}
    return _WORDS[language]["found"].format_map(said)


def render_counts(counts: Counts, language: Language) -> str:
    """The counts as a sentence."""
    return _WORDS[language]["counts"].format_map(asdict(counts))


def run_document(value: Run | Counts) -> dict[str, Any]:
    """A run, or its counts, as a JSON document."""
    return asdict(value)


def print_json(document: object) -> None:
    """Print an indented JSON document."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
