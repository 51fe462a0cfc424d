"""A sample of a platform's source: its bytes from a file, and its offers as lines of a terminal."""

import zlib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from rich.text import Text

from gateway.cli.document import open_inflated, unreadable
from gateway.pages.base.wording import PLAIN_FIELDS, label_of, plain_value
from schemas.closed_list import words
from schemas.rulebook import Language
from schemas.texts import load_words

_BLOCK = 64 * 1024
_HEADS: Mapping[Language, dict[str, str]] = load_words(dict, "gateway", "published")


def blocks_of(sample: Path, language: Language) -> Iterator[bytes]:
    """The content of a file in blocks, inflated if it is gzipped, regardless of its name. Raises CommandError."""
    try:
        with open_inflated(sample) as file:
            while block := file.read(_BLOCK):
                yield block
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(sample, error, language) from error


def render_offer(offer: Mapping[str, Any], language: Language) -> Text:
    """Render a document of ``evaluate_sample`` as a block of lines."""
    further = [name for name in PLAIN_FIELDS if name in offer and name not in _HEADS[language]]
    heads = _HEADS[language] | {name: label_of(name, language) or name for name in further}
    values = {
        **offer,
        **{name: plain_value(name, offer[name], language) for name in further},
        "sector": f"{offer['sector']} ({offer['sector_code']})",
        "weeks": ", ".join(_week(week) for week in offer["weeks"]),
        "levels": ", ".join(words("levels")[level][language] for level in offer["levels"]),
    }
    width = max(map(len, heads.values()))
    lines = [f"\n  {head:<{width}}  {values[name]}" for name, head in heads.items()]
    return Text.assemble((offer["title"], "bold"), f"  {offer['id']}", *lines)


def _week(week: str) -> str:
    """A week with its first day: ``2027-W24 (14/06/2027)``."""
    year, _, number = week.partition("-W")
    return f"{week} ({date.fromisocalendar(int(year), int(number), 1):%d/%m/%Y})"
