"""The lifecycle of an offer as a table: the next state for each state and command.

``decide`` checks revisions first; the table is for commands whose revision is in order. A pair that is missing is
refused. Requirements REV-*, WDR-*.
"""

from typing import Literal, TypeAlias

from gateway.protocol.submission import Known

State: TypeAlias = Literal["unknown", "published", "withdrawn", "moderated"]
Command: TypeAlias = Literal["publish", "withdraw", "expire", "absent", "moderate", "lift", "forget"]

TRANSITIONS: dict[tuple[State, Command], State] = {
    ("unknown", "publish"): "published",
    ("unknown", "withdraw"): "withdrawn",
    ("published", "publish"): "published",
    ("published", "withdraw"): "withdrawn",
    ("published", "expire"): "withdrawn",
    ("published", "absent"): "withdrawn",
    ("published", "moderate"): "moderated",
    ("withdrawn", "publish"): "published",
    ("withdrawn", "withdraw"): "withdrawn",
    ("withdrawn", "moderate"): "moderated",
    ("withdrawn", "forget"): "unknown",
    ("moderated", "withdraw"): "moderated",
    ("moderated", "lift"): "withdrawn",
    ("moderated", "forget"): "unknown",
}


def state_of(known: Known | None) -> State:
    """The state that a record of ``offers``, or its absence, represents."""
    if known is None:
        return "unknown"
    if known.reason is None:
        return "published"
    return "moderated" if known.reason == "moderated" else "withdrawn"


def next_state(known: Known | None, command: Command) -> State | None:
    """The state after a command; None when it is refused."""
    return TRANSITIONS.get((state_of(known), command))
