"""Acts of operators for tests: of every kind, by persons and by a program, with one that did not happen."""

from collections.abc import Mapping
from typing import Any

from gateway.clock import Clock, now
from gateway.log.port import EventLog
from gateway.operate.journal import Journal
from gateway.protocol.journal import ACTS, Act, Actor
from tests.harness import SECRET
from tests.pages.signing import OPERATOR, PERSON

OTHER = "Autre personne d’essai"
WHY = "Secret envoyé à une mauvaise adresse"
DETAILS: Mapping[str, Mapping[str, Any]] = {
    "partner.add": {"scopes": ["offers:publish", "offers:read"]},
    "partner.set": {"scopes": {"before": "offers:publish", "now": "offers:publish, offers:read, operate"}},
    "partner.rotate": {"overlap_hours": 168},
}


async def write_acts(log: EventLog, *, rounds: int = 3, clock: Clock = now, secret: bytes = SECRET) -> int:
    """Each act as often as there are rounds; returns the number of entries."""
    journal = Journal(log, secret=secret, clock=clock)
    written = 0
    try:
        for number in range(rounds):
            for act in ACTS:
                name = (PERSON, OTHER, None)[number % 3]
                client = OPERATOR.platform if name != OTHER else None
                why = WHY if number % 2 == 0 else None
                details = DETAILS.get(act, {})
                entry = await journal.write(
                    Act(act=act, about="bretagne", details=details, why=why), Actor(name=name, client=client)
                )
                written = entry.number
        failed = await journal.write(Act(act="keys.rotate", about="signing key"), Actor(name=PERSON), failed=written)
        return failed.number
    finally:
        await journal.close()
