"""A page of changes: the answer of the changes feed, and the body of a push."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from passerelle_client.errors import Language, PageError

_KNOWN = frozenset({"upsert", "removal"})


@dataclass(frozen=True, slots=True)
class Change:
    """The present state of an offer, or its removal, without ``offer``. ``members`` is all that was sent."""

    id: str
    sequence: int
    offer: Mapping[str, Any] | None
    members: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """``cursor``: of the feed, where to go on; ``generation``: of a push, the reading from the start that it is of."""

    changes: Sequence[Change]
    more: bool
    cursor: str | None = None
    generation: int | None = None

    @classmethod
    def read(cls, value: Any, language: Language = "fr") -> "Page":
        """The page in decoded JSON. Members and operations that it does not know are passed over (EVO-001). Raises
        PageError.
        """
        try:
            changes = [_change(one) for one in value["changes"] if one["op"] in _KNOWN]
            more, cursor, generation = value["more"], value.get("cursor"), value.get("generation")
        except (KeyError, TypeError, AttributeError) as error:
            raise PageError("page", language, text=repr(error)) from error
        known = type(more) is bool and isinstance(cursor, str | None) and isinstance(generation, int | None)
        if not known or (cursor is None and generation is None):
            raise PageError("page", language, text="more, cursor, generation")
        return cls(changes, more, cursor, generation)


def _change(value: Any) -> Change:
    offer = value["offer"] if value["op"] == "upsert" else None
    offer_id, sequence = value["id"], value["sequence"]
    is_state = value["op"] == "removal" or isinstance(offer, dict)
    if not is_state or not isinstance(offer_id, str) or type(sequence) is not int:
        raise TypeError(offer_id)
    return Change(offer_id, sequence, offer, value)
