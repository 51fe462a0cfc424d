"""Decisions: what the relay made of the submissions that a command sent, read from their receipts."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.cli.console import ERR
from gateway.cli.partnership import refused
from gateway.cli.problems import Finding
from gateway.client import Client
from schemas.rulebook import Language

_PAGE = "1000"
_PATIENCE = 60.0
_PAUSE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What is said of decisions, in one language."""

    verdicts: Mapping[str, str]
    nothing: str
    waiting: str
    showing: str


_WORDS: Mapping[Language, _Words] = {
    "fr": _Words(
        verdicts={
            "accepted": "accepté(s)",
            "duplicate": "doublon(s)",
            "stale": "périmé(s)",
            "rejected": "rejeté(s)",
            "pending": "en attente",
        },
        nothing="rien à décider",
        waiting="Attente des décisions",
        showing="de montrer les reçus",
    ),
    "en": _Words(
        verdicts={verdict: verdict for verdict in ("accepted", "duplicate", "stale", "rejected", "pending")},
        nothing="nothing to decide",
        waiting="Waiting for the decisions",
        showing="to show the receipts",
    ),
}


@dataclass(slots=True)
class Decisions:
    """How many got each verdict, those still ``pending`` included; problems of the ones that changed nothing."""

    verdicts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    @property
    def rejected(self) -> int:
        """How many were refused after all."""
        return self.verdicts["rejected"]

    def told(self, language: Language) -> str:
        """In words, such as ``2 accepted, 1 stale``."""
        words = _WORDS[language]
        return ", ".join(f"{number} {words.verdicts[one]}" for one, number in self.verdicts.items()) or words.nothing


async def follow_receipts(client: Client, receipts: Mapping[str, int]) -> Decisions:
    """Read the publisher's receipts until all of these (id → document number) are there, a minute at most."""
    decisions, words = Decisions(), _WORDS[client.language]
    missing = dict(receipts)
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    params = {"limit": _PAGE}
    with ERR.status(words.waiting):
        while missing:
            answer = await client.call("GET", "/v1/receipts", params=params)
            if not answer.ok:
                raise refused(answer, words.showing)
            for receipt in answer.body["receipts"]:
                number = missing.pop(receipt["receipt"], None)
                if number is not None:
                    decisions.verdicts[receipt["verdict"]] += 1
                    if receipt["verdict"] in {"stale", "rejected"}:
                        decisions.findings += [
                            Finding(number, receipt["id"], problem) for problem in receipt["problems"]
                        ]
            params["cursor"] = answer.body["cursor"]
            if missing and not answer.body["more"]:
                if asyncio.get_running_loop().time() > deadline:
                    break
                await asyncio.sleep(_PAUSE)
    if missing:
        decisions.verdicts["pending"] = len(missing)
    return decisions
