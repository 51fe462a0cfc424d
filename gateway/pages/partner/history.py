"""View model of the history of one offer, from its receipts, its state and its delivery. Pure.

A receipt does not say whether it is of a publication or a withdrawal. Which it is shows in what follows: an offer that
is created again was withdrawn before, and the last accepted change is that of the state. The end of a moderation leaves
the state ``absent`` too, which the receipts distinguish: those of a complete snapshot name it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal, TypeAlias

from gateway.federation.offers import HistoryFacts
from gateway.pages.partner.moderations import lifts
from gateway.pages.partner.refused import BrokenRule, reason_of, reasons_of, reasons_of_receipt
from gateway.protocol.delivery import DeliveryPart
from gateway.protocol.identity import GATEWAY, SNAPSHOT
from gateway.protocol.record import OfferState, read_utc
from schemas.rulebook import Language

Kind: TypeAlias = Literal["fine", "look", "blocked", "none"]
_REFUSALS = frozenset({"rejected", "refused_door", "refused_feed"})
_DELIVERY_KINDS: Mapping[str, Kind] = {
    "pending": "none",
    "delivered": "fine",
    "refused": "blocked",
    "withdrawn": "fine",
    "moderated": "blocked",
    "not-deliverable": "look",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: when (ms, or the day that is to come), the key of its title (``step_{name}``) and of its text
    (``step_{name}_text``), their values, and the broken rules that it names, with the fields at fault. ``why``: the
    reason of a moderation, or of its end; ``times``: how often the same step followed itself, and ``since`` the time of
    the first one.
    """

    kind: Kind
    name: str
    at: int | None = None
    on: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    reasons: Sequence[BrokenRule] = ()
    receipt: str | None = None
    why: str | None = None
    times: int = 1
    since: int | None = None


def steps(facts: HistoryFacts, language: Language) -> Sequence[Step]:
    """The steps, oldest first; the future last. Equal steps that follow each other are one, with the last receipt."""
    past = [
        *_receipts(facts, language),
        *_at_the_door(facts, language),
        *_in_feed(facts, language),
        *_delivery(facts, language),
    ]
    past.sort(key=lambda step: step.at or 0)
    return [*_folded(past), *_future(facts)]


def refusal(found: Sequence[Step]) -> Step | None:
    """The last step of the platform's own, if it is a refusal: what it sent last is not what is online."""
    last = next((step for step in found[::-1] if step.at is not None and not step.name.startswith("delivery_")), None)
    return last if last is not None and last.name in _REFUSALS else None


def standing(facts: HistoryFacts) -> str | None:
    """The present state as the name of its text (``gone_{name}``); None where the offer is live, or has no state."""
    state = facts.state
    if state is None or state.known.reason is None:
        return None
    if state.known.reason != "absent":
        return state.known.reason
    last = next((one for one in facts.receipts[::-1] if _made(one, state)), None)
    if last is None:
        return "offline"
    return "lifted" if last["receipt"] in _lifts(facts) else "absent"


def _lifts(facts: HistoryFacts) -> frozenset[str]:
    """The receipts by which a moderation ended; that of the present state also where the moderation had no reason."""
    state = facts.state
    last = {
        str(one["receipt"])
        for one in facts.receipts
        if state is not None and state.known.reason == "absent" and _made(one, state) and SNAPSHOT not in one
    }
    return lifts(facts.receipts) | last


def _made(receipt: Mapping[str, Any], state: OfferState) -> bool:
    """Whether the present state is the outcome of this receipt."""
    return bool(receipt["verdict"] == "accepted" and receipt.get("sequence") == state.known.sequence)


def _receipts(facts: HistoryFacts, language: Language) -> Iterator[Step]:
    accepted = [one for one in facts.receipts if one["verdict"] == "accepted"]
    created = {after["receipt"]: after.get("created", False) for after in accepted}
    next_created = {before["receipt"]: created[after["receipt"]] for before, after in pairwise(accepted)}
    state, ends = facts.state, _lifts(facts)
    for one in facts.receipts:
        reasons = reasons_of_receipt(one, language)
        values = {
            "revision": str(one.get("revision", "–")),
            "sequence": str(one.get("sequence", "–")),
            "way": _way(one),
        }
        last = state is not None and one.get("sequence") == state.known.sequence
        gone = next_created.get(one["receipt"], last and state is not None and not state.known.published)
        reason = state.known.reason if last and state is not None else None
        name = "lifted" if one["receipt"] in ends else _name(one, gone=gone and not one.get("created"), reason=reason)
        kind: Kind = (
            "blocked" if one["verdict"] == "rejected" else "look" if reasons or name == "gone_moderated" else "fine"
        )
        yield Step(
            kind=kind,
            name=name,
            at=read_utc(one["at"]),
            values=values,
            reasons=reasons,
            receipt=one["receipt"],
            why=one.get("moderation", {}).get("reason"),
        )


def _way(receipt: Mapping[str, Any]) -> str | None:
    """The way by which a submission came; None for a command of the gateway itself."""
    if receipt.get("publisher") == GATEWAY:
        return None
    return "batch" if "batch" in receipt else "snapshot" if "snapshot" in receipt else "single"


def _name(receipt: Mapping[str, Any], *, gone: bool, reason: str | None) -> str:
    if receipt["verdict"] != "accepted":
        return str(receipt["verdict"])
    if "moderation" in receipt:
        return "gone_moderated"
    if gone:
        return f"gone_{reason}" if reason is not None else "gone"
    if receipt.get("created", False):
        return "published"
    return "by_gateway" if receipt.get("publisher") == GATEWAY else "changed"


def _at_the_door(facts: HistoryFacts, language: Language) -> Iterator[Step]:
    for one in facts.refused:
        yield Step(kind="blocked", name="refused_door", at=one.at, reasons=reasons_of(one, language))


def _in_feed(facts: HistoryFacts, language: Language) -> Iterator[Step]:
    if facts.item is not None:
        values = {"position": facts.item.position}
        reasons = [reason_of(one, language) for one in facts.item.problems]
        yield Step(kind="blocked", name="refused_feed", at=facts.item.run.ended_at, values=values, reasons=reasons)


def _folded(found: Iterable[Step]) -> Iterator[Step]:
    last: Step | None = None
    for step in found:
        if last is not None and replace(step, at=last.at, receipt=last.receipt) == replace(last, times=1, since=None):
            last = replace(step, times=last.times + 1, since=last.since or last.at)
            continue
        if last is not None:
            yield last
        last = step
    if last is not None:
        yield last


def _delivery(facts: HistoryFacts, language: Language) -> Iterator[Step]:
    if facts.delivery is None:
        return
    for part in facts.delivery.current():
        values = {"group": part.group, "remote": part.remote_id or "–", "until": part.until}
        if part.delivered_at is not None and part.state != "delivered":
            yield Step(kind="fine", name="delivery_earlier", at=part.delivered_at, values=values)
        yield Step(
            kind=_DELIVERY_KINDS.get(part.state, "none"),
            name=f"delivery_{_state(part)}",
            at=part.since,
            values=values,
            reasons=[reason_of(problem, language) for problem in part.problems],
        )


def _state(part: DeliveryPart) -> str:
    """The state as a name; what the site holds is visible, hidden, or not yet checked."""
    if part.state == "delivered" and part.visible is not None:
        return "visible" if part.visible else "hidden"
    return part.state.replace("-", "_")


def _future(facts: HistoryFacts) -> Iterator[Step]:
    state = facts.state
    if state is not None and state.offer is not None and state.known.expires_on is not None:
        yield Step(kind="none", name="expires", on=state.known.expires_on)
