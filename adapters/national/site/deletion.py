"""Deletes all rows of a remote id at the site: one remote id may name several.

The site checks that a remote id is free and then inserts, without a unique index: two concurrent creations leave two
rows.
"""

from http import HTTPStatus

from adapters.national.site.answer import (
    AlreadyDeleted,
    Done,
    Missing,
    Outcome,
    Unrecognized,
    outcome_of,
)
from adapters.national.site.site import Answer, Site

_MOST_ROWS = 5


async def delete_rows(site: Site, name: str) -> Outcome:
    """Delete every row of a remote id. Returns the outcome of the first deletion once the site answers that no row is
    left, else the outcome that stopped the loop. Raises SiteError.
    """
    first = outcome = outcome_about(name, await site.delete(name))
    for _ in range(_MOST_ROWS):
        match outcome:
            case Done():
                outcome = outcome_about(name, await site.delete(name))
            case AlreadyDeleted() | Missing():
                return first
            case _:
                break
    return outcome


def outcome_about(name: str, answer: Answer) -> Outcome:
    """The outcome of a call about one remote id; the document of another offer settles nothing."""
    outcome = outcome_of(answer)
    if isinstance(outcome, Done) and outcome.remote_id != name:
        return Unrecognized(HTTPStatus.OK, "the document of another offer")
    return outcome
