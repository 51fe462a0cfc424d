"""How runs of feeds are told: counts as a sentence, everything as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import typer

from gateway.protocol.run import Counts, Run
from schemas.rulebook import Language

_COUNTS: Mapping[Language, str] = {
    "fr": "{items} élément(s) : {published} à publier ou publié(s), {unchanged} inchangé(s), {refused} refusé(s), "
    "{passed} laissé(s) de côté ; {warned} avec avertissement ; {withdrawn} retiré(s)",
    "en": "{items} item(s): {published} published or to be, {unchanged} unchanged, {refused} refused, "
    "{passed} left out; {warned} with warnings; {withdrawn} withdrawn",
}


_FOUND: Mapping[Language, str] = {
    "fr": "{items} élément(s) trouvé(s) : {passed} laissé(s) de côté, {published} à publier, dont {warned} avec "
    "avertissement, {refused} refusé(s). Problèmes : {errors} erreur(s), {warnings} avertissement(s).",
    "en": "{items} item(s) found: {passed} passed over, {published} to be published, {warned} of them with warnings, "
    "{refused} refused. Problems: {errors} error(s), {warnings} warning(s).",
}


def told_sample(counts: Counts, severities: Mapping[str, int], language: Language) -> str:
    """What a sample would come to, as a sentence; ``severities`` counts problems."""
    said = asdict(counts) | {"errors": severities["error"], "warnings": severities["warning"]}
    return _FOUND[language].format_map(said)


def told_counts(counts: Counts, language: Language) -> str:
    """The counts as a sentence."""
    return _COUNTS[language].format_map(asdict(counts))


def told_run(value: Run | Counts) -> dict[str, Any]:
    """A run, or its counts, as JSON."""
    return asdict(value)


def print_json(document: object) -> None:
    """Print JSON that a person can read as well."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
