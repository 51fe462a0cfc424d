"""Fields that end, and values of lists: a warning that names the day, and an error once they have ended (OFR-049,
OFR-051). They end on that day or a later one: where a federation sets the day, the activations name it (EVO-006).
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from schemas.offer_field import RETIRED, ending_fields, marks_of, pointer_of, retired_values
from schemas.registry import schema
from schemas.rulebook import ENDING, Problem, catalogue, problem
from schemas.rules.beginning import Activations

_FIELDS: Mapping[str, str] = {path: f"{ENDING}:{path}" for path, _ in ending_fields(schema("offer"))}
_VALUES = tuple(retired_values(schema("offer")))
CODES = (*_FIELDS.values(), *(one.code for one in _VALUES))
"""The codes of the rules of ends. Empty where nothing ends: then nothing is looked up in an offer."""
NOT_ENDED: Activations = dict.fromkeys(CODES, date.max)
"""The days of a federation that has set none: nothing has ended."""
_MARKS = frozenset(marks_of(schema("offer")))


def find(offer: Mapping[str, Any], on: date, activations: Activations) -> Iterator[Problem]:
    """The fields and values of an offer, sound or not, that end: errors where they have ended on the day of receipt."""
    found: list[tuple[str, str | None, dict[str, str]]]
    found = [(code, pointer_of(offer, path), {}) for path, code in _FIELDS.items()]
    found += [
        (one.code, pointer_of(offer, f"{one.path}:{one.value}"), {"actual": one.value, "expected": one.successor})
        for one in _VALUES
    ]
    for code, pointer, values in found:
        if pointer is not None:
            yield problem(code, pointer=pointer, **values).received(on if ended(code, on, activations) else date.min)


def ended(code: str, on: date, activations: Activations) -> bool:
    """Whether what ends by the rule of this code has ended on a day."""
    announced = catalogue()[code].error_from or on
    return on >= max(announced, activations.get(code, announced))


def is_gone(code: str) -> bool:
    """Whether a code is that of an end which is over: the schema has the field or value no more."""
    kind, _, mark = code.partition(":")
    return kind in {ENDING, RETIRED} and mark not in _MARKS
