"""Profiles on the command line: a file, or the slug of one that comes with the gateway."""

import json
from pathlib import Path

from adapters.profile.packaged import profiles
from adapters.profile.profile import Profile, read_profile
from gateway.cli.console import CommandError
from schemas import localized
from schemas.rulebook import Language

_MOST_BYTES = 1024 * 1024


def load_profile(text: str, *, language: Language = "fr") -> Profile:
    """The profile. Raises CommandError naming everything that is wrong with it."""
    if text in profiles():
        return profiles()[text]
    read = read_profile(_document(Path(text)))
    if isinstance(read, Profile):
        return read
    bodies = [localized(found.to_json(), language) for found in read]
    listed = "\n".join(f"  {body['pointer'] or '/'}  {body['message']} {body['fix']}" for body in bodies)
    raise CommandError(
        f"{text} is no profile:\n{listed}", step="mend these places; docs/connect.md shows a whole profile"
    )


def _document(path: Path) -> object:
    try:
        with path.open("rb") as file:
            return json.loads(file.read(_MOST_BYTES))
    except OSError as error:
        known = ", ".join(profiles())
        raise CommandError(
            f"{path} cannot be read: {error.strerror}.", step=f"give a profile's file, or one of {known}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{path} is not JSON ({error}).", step="write the profile as one JSON object") from error
