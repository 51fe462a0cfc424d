"""The day that a command judges as on, named by an option or today."""

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
    """The day of an ISO date; of no text, today in Paris. Raises CommandError."""
    try:
        return date.fromisoformat(text or paris_date(now()))
    except ValueError as error:
        words = _WORDS[language]
        raise CommandError(words.no_date.format(text), step=words.give_date, language=language) from error
