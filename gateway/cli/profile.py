"""Load a profile from a file, or a packaged one by its slug."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from adapters.profile.profile import Profile, profiles, read_profile
from gateway.cli.console import CommandError
from gateway.cli.document import unreadable
from gateway.settings import loopback_feeds
from schemas import localized
from schemas.rulebook import Language
from schemas.texts import load_words

_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """Errors of a profile's file and their remedies, in one language."""

    no_profile: str
    mend: str
    give: str
    broken: str
    no_json: str
    write: str


_WORDS = load_words(_Words, "gateway", "profile")


def load_profile(text: str, *, language: Language) -> Profile:
    """Load and validate a profile. Raises CommandError with all its violations."""
    if text in profiles():
        return profiles()[text]
    words = _WORDS[language]
    read = read_profile(_document(Path(text), language), loopback=loopback_feeds(os.environ))
    if isinstance(read, Profile):
        return read
    bodies = [localized(found.to_json(), language) for found in read]
    listed = "\n".join(f"  {body['pointer'] or '/'}  {body['message']} {body['fix']}" for body in bodies)
    raise CommandError(words.no_profile.format(text=text, listed=listed), step=words.mend, language=language)


def _document(path: Path, language: Language) -> object:
    words = _WORDS[language]
    try:
        with path.open("rb") as file:
            return json.loads(file.read(_MOST_BYTES))
    except OSError as error:
        raise unreadable(path, error, language, step=words.give.format(known=", ".join(profiles()))) from error
    except json.JSONDecodeError as error:
        said = words.broken.format(path=path, line=error.lineno, column=error.colno)
        raise CommandError(said, step=words.write, language=language) from error
    except (ValueError, RecursionError) as error:
        raise CommandError(words.no_json.format(path=path), step=words.write, language=language) from error
