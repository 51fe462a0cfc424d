"""View model of moderations: the offers that the operator withdrew or gave back, from a platform's own receipts. Pure.

A receipt names a moderation or its end where the operator gave a reason. An end without one is the next command of the
gateway about the offer: no other changes an offer that is moderated.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from gateway.federation.offers import ModerationFacts
from gateway.protocol.identity import GATEWAY
from gateway.protocol.record import OfferState, read_utc

Standing: TypeAlias = Literal["moderated", "online", "lifted", "offline"]
"""``lifted``: not published again since; ``offline``: withdrawn since for another reason, or forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderated:
    """One offer. ``at`` is None where only the end is known, ``lifted_at`` where there is none; the reasons are those
    of the operator.
    """

    id: str
    title: str | None
    standing: Standing
    at: int | None
    why: str | None
    lifted_at: int | None
    lifted_why: str | None


def lifts(receipts: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The receipts, among those of one offer in their order, by which a moderation ended."""
    found, moderated = set(), False
    for one in receipts:
        if one["verdict"] == "accepted" and one.get("publisher") == GATEWAY:
            moderates = _action(one) == "moderate"
            if not moderates and (moderated or _action(one) == "lift"):
                found.add(str(one["receipt"]))
            moderated = moderates
    return frozenset(found)


def moderations(facts: Iterable[ModerationFacts]) -> Sequence[Moderated]:
    """The offers in their present standing: those that are moderated first, then the newest end."""
    found = [_moderated(one) for one in facts]
    return sorted(found, key=lambda one: (one.standing != "moderated", -(one.lifted_at or one.at or 0)))


def _moderated(facts: ModerationFacts) -> Moderated:
    ends = lifts(facts.receipts)
    begin: Mapping[str, Any] | None = None
    end: Mapping[str, Any] | None = None
    for one in facts.receipts:
        if _action(one) == "moderate" and one["verdict"] == "accepted":
            begin, end = one, None
        elif one["receipt"] in ends:
            end = one
    state = facts.state
    return Moderated(
        id=facts.id,
        title=str(state.offer["title"]) if state is not None and state.offer is not None else None,
        standing=_standing(state, end),
        at=None if begin is None else read_utc(begin["at"]),
        why=_why(begin),
        lifted_at=None if end is None else read_utc(end["at"]),
        lifted_why=_why(end),
    )


def _standing(state: OfferState | None, end: Mapping[str, Any] | None) -> Standing:
    if state is None:
        return "offline"
    if state.offer is not None:
        return "online"
    if state.known.reason == "moderated":
        return "moderated"
    return "lifted" if end is not None and end.get("sequence") == state.known.sequence else "offline"


def _action(receipt: Mapping[str, Any]) -> str | None:
    action: str | None = receipt.get("moderation", {}).get("action")
    return action


def _why(receipt: Mapping[str, Any] | None) -> str | None:
    return None if receipt is None else receipt.get("moderation", {}).get("reason")
