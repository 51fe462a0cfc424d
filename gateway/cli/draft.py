"""``passerelle platform draft``: guess a profile from a sample, render the guesses, and write the profile."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rich.text import Text

from adapters.formats.inference.draft import MappingDraft, draft, read_sample
from adapters.formats.inference.evidence import texts
from adapters.formats.inference.guess import ORDER, Guess
from adapters.formats.problem import UnusableFeedError
from adapters.profile.draft import profile_file
from gateway.cli.console import OUT, CommandError, print_rows
from gateway.cli.document import unreadable
from gateway.cli.sample import blocks_of
from schemas import localized
from schemas.bilingual import Bilingual, spoken
from schemas.rulebook import Language
from schemas.texts import load_words

_WORDS = load_words(SimpleNamespace, "gateway", "draft")


def replayed(sample: Path, language: Language) -> Callable[[], Iterable[bytes]]:
    """The content of a sample, for several readings; that of standard input is kept in memory."""
    if str(sample) != "-":
        return lambda: blocks_of(sample, language)
    held = list(blocks_of(sample, language))
    return lambda: held


def draft_sample(blocks: Iterable[bytes], language: Language, on: date) -> MappingDraft:
    """The draft for a sample. Raises CommandError for a sample that cannot be read."""
    try:
        return draft(read_sample(blocks), on=on)
    except UnusableFeedError as error:
        body = localized(error.problem.to_json(), language)
        if error.problem.code == "items-not-found":
            raise CommandError(_WORDS[language].no_items, step=_WORDS[language].give, language=language) from error
        raise CommandError(body["message"], step=body["fix"], language=language) from error


def write_profile(path: Path, document: Mapping[str, Any], language: Language) -> None:
    """Write a new file. Raises CommandError if it exists or cannot be written."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(profile_file(document))
    except FileExistsError as error:
        words = _WORDS[language]
        raise CommandError(words.exists.format(path=path), step=words.other, language=language) from error
    except OSError as error:
        raise unreadable(path, error, language) from error


def render_draft(made: MappingDraft, language: Language) -> dict[str, Any]:
    """The draft as JSON in one language, without the profile."""
    return {
        "format": made.form,
        "source": dict(made.sample.source),
        "items": len(made.sample.items),
        "fields": {name: _render_guess(one, language) for name, one in made.guesses.items()},
        "missing": list(made.missing),
        "paths": {one.path: list(one.examples) for one in made.paths},
        "notes": [spoken(one, language) for one in made.notes],
    }


def _render_guess(one: Guess, language: Language) -> dict[str, Any]:
    return {
        "path": one.path or None,
        "rule": one.rule,
        "score": round(one.score, 2),
        "confidence": _confidence(one, language) or None,
        "evidence": [spoken(text, language) for text in one.evidence],
        "examples": list(one.examples),
        "reason": None if one.reason is None else spoken(one.reason, language),
        "candidates": [
            {"path": other.path, "score": round(other.score, 2), "examples": list(other.examples)}
            for other in one.options
        ],
    }


def print_draft(made: MappingDraft, language: Language) -> None:
    """Print the format, the fields with path, confidence, evidence and values, the empty fields with the reason."""
    words = _WORDS[language]
    items = made.sample.source.get("items", "")
    found = words.found.format(form=made.form, count=len(made.sample.items))
    OUT.print(found + (words.at.format(items=items) if items else ""), markup=False)
    print_rows(OUT, words.heads, list(_rows(made, language)), left=len(words.heads), label=words.label)
    empty = [name for name in ORDER if made.guesses[name].rule is None]
    for name in empty:
        reason = made.guesses[name].reason
        if reason is not None and (name in made.missing or made.guesses[name].tied):
            mark = ("✗ ", "red") if name in made.missing else ("· ", "dim")
            OUT.print(Text.assemble(mark, (name, "bold"), words.empty.format(reason=_say(reason, language))))
    others = [name for name in empty if name not in made.missing and not made.guesses[name].tied]
    if others:
        OUT.print(words.others.format(names=", ".join(others)), markup=False)
    for note in made.notes:
        OUT.print(Text.assemble(("! ", "yellow"), _say(note, language)))


def _rows(made: MappingDraft, language: Language) -> Iterator[list[Text]]:
    for name, one in made.guesses.items():
        if one.rule is not None:
            evidence = ", ".join(_say(text, language) for text in one.evidence)
            cells = (name, one.path, _confidence(one, language), evidence, " | ".join(one.examples))
            yield [Text(cell) for cell in cells]


def print_placeholders(path: Path | None, language: Language) -> None:
    """Print where the profile was written, and what in it is to be replaced."""
    words = _WORDS[language]
    OUT.print(words.written.format(path=path) if path is not None else words.unwritten, markup=False)
    OUT.print(words.placeholders, markup=False)
    OUT.print(words.check, markup=False)


def _confidence(one: Guess, language: Language) -> str:
    return str(texts()["confidence"][one.confidence][language]) if one.confidence else ""


def _say(text: Bilingual, language: Language) -> str:
    return str(spoken(text, language))
