"""Offers that were moderated, for tests of view models: their receipts and their states."""

from typing import Any

from gateway.federation.offers import ModerationFacts
from gateway.protocol.identity import GATEWAY
from gateway.protocol.record import OfferState, utc
from gateway.protocol.submission import Known, Reason

AT = 1_796_000_000_000
ID = "bretagne:a"


def command(sequence: int, action: str | None = None, why: str | None = None, **more: Any) -> dict[str, Any]:
    """The receipt of a command of the gateway, with the operator's reason if there is one."""
    body: dict[str, Any] = {"receipt": f"r{sequence}", "id": ID, "publisher": GATEWAY, "verdict": "accepted"}
    body |= {"at": utc(AT + 1_000 * sequence), "sequence": sequence, "created": False, "problems": ()}
    return body | ({} if why is None else {"moderation": {"action": action, "reason": why}}) | more


def state(sequence: int, reason: Reason | None = None) -> OfferState:
    """The state that a change left; live without a reason."""
    known = Known(revision=1, digest="d", sequence=sequence, position=0, appended_at=AT, reason=reason)
    return OfferState(ID, known, offer=None if reason else {"title": "Un titre"}, territory=None)


def moderation(standing: str) -> ModerationFacts:
    """An offer that was moderated for a reason, and what came of it."""
    begin, end = command(2, "moderate", "Adresse fausse"), command(3)
    states = {
        "moderated": state(2, "moderated"),
        "lifted": state(3, "absent"),
        "online": state(4),
        "offline": state(4, "filled"),
    }
    receipts = [begin] if standing == "moderated" else [begin, end]
    return ModerationFacts(id=ID, state=states[standing], receipts=receipts)
