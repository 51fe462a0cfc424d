"""The reference day of a validation: from an option, or today in Paris."""

from dataclasses import dataclass
from datetime import date

from gateway.cli.console import CommandError
from gateway.clock import now
from gateway.protocol.decide import paris_date
from schemas.rulebook import Language
from schemas.texts import load_words


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    no_date: str
    give_date: str


_WORDS = load_words(_Words, "gateway", "day")


def day_of(text: str, language: Language) -> date:
    """Parse an ISO date; an empty text means today in Paris. Raises CommandError."""
    try:
        return date.fromisoformat(text or paris_date(now()))
    except ValueError as error:
        words = _WORDS[language]
        raise CommandError(words.no_date.format(text), step=words.give_date, language=language) from error
