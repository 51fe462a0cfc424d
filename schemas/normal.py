"""Normal form of an accepted offer (OFR-011, OFR-034, OFR-039).

It has no invisible characters and no personal data, whole numbers are integers, and defaults are filled in.
"""

from typing import Any

from schemas.folding import visible
from schemas.offer_field import plain_members
from schemas.personal import redact, redact_tree
from schemas.registry import schema
from schemas.rulebook import Problem, problem
from schemas.rules.text import texts
from schemas.rules.week import default_end, default_stay

_MAX_POINTERS = 50
"""Above this number, one warning covers all extensions: the warnings go into every receipt."""
_INTEGERS = plain_members(schema("offer"), types=("integer",))


def normalise(document: dict[str, Any], *, suspect: bool) -> tuple[dict[str, Any], list[Problem]]:
    """A copy of a valid document in its normal form, and the warnings of redaction. Unchanged parts are shared with the
    document, which is not modified. ``suspect``: its texts may hold personal data or invisible characters.
    """
    problems: list[Problem] = []
    if suspect:
        offer, problems = redacted(document)
    else:
        offer = dict(document)
        if "extensions" in offer:
            problems = _redact_extensions(offer)
    for name in _INTEGERS:
        if type(offer.get(name)) is float:
            offer[name] = int(offer[name])
    if "schedule" in offer:
        offer["schedule"] = _whole_breaks(offer["schedule"])
    if "stay_weeks" not in offer:
        offer["stay_weeks"] = default_stay(offer["levels"], offer["weeks"])
    if "expires_on" not in offer:
        offer["expires_on"] = default_end(offer["weeks"])
    return offer, problems


def redacted(document: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """A shallow copy without invisible characters and personal data, and one warning per pointer with personal data.
    The document may be malformed.
    """
    offer = dict(document)
    found: list[str] = []
    for pointer, text in texts(document):
        visible_text = visible(text)
        clean = redact(visible_text)
        if clean != visible_text:
            found.append(pointer)
        if clean != text:
            _put(offer, pointer, clean)
    problems = [problem("personal-data", pointer=pointer) for pointer in found]
    return offer, [*problems, *_redact_extensions(offer)]


def _redact_extensions(offer: dict[str, Any]) -> list[Problem]:
    """Replace the offer's extensions by redacted ones; returns the warnings."""
    extensions = offer.get("extensions")
    if type(extensions) is not dict:
        return []
    offer["extensions"], found = redact_tree(extensions, "/extensions")
    named = found if len(found) <= _MAX_POINTERS else ["/extensions"]
    return [problem("personal-data", pointer=pointer) for pointer in named]


def _put(offer: dict[str, Any], pointer: str, text: str) -> None:
    """Replace a text at the top or one level below it, in a copy of its parent."""
    *parents, name = pointer[1:].split("/")
    if parents:
        offer[parents[0]] = {**offer[parents[0]], name: text}
    else:
        offer[name] = text


def _whole_breaks(schedule: dict[str, Any]) -> dict[str, Any]:
    """The same schedule, or a copy in which breaks written as 45.0 are 45."""
    whole = schedule
    for day, hours in schedule.items():
        if type(hours) is dict and type(hours.get("break_minutes")) is float:
            whole = {**whole, day: {**hours, "break_minutes": int(hours["break_minutes"])}}
    return whole
