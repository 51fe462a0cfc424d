"""The tally: what became of the documents that a command sent, by the gateway's answer and by the receipts after it."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import typer

from gateway.cli.console import ERR, FAILED, OUT
from gateway.cli.document import Document
from gateway.cli.partnership import refused
from gateway.cli.problems import Finding, table_of
from gateway.client import Client
from schemas.rulebook import Language

OUTCOMES = ("accepted", "duplicate", "stale", "refused", "pending")
"""In the order in which they are told; *refused* whether at once or by the decision *rejected*."""

_PAGE = "1000"
_PATIENCE = 60.0
_PAUSE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What is said of documents sent, in one language."""

    told: str
    outcomes: Mapping[str, str]
    nothing: str
    waiting: str
    showing: str


_WORDS: Mapping[Language, _Words] = {
    "fr": _Words(
        told="{read} document(s) : {outcomes}",
        outcomes={
            "accepted": "accepté(s)",
            "duplicate": "doublon(s)",
            "stale": "périmé(s)",
            "refused": "refusé(s)",
            "pending": "en attente",
        },
        nothing="aucun document",
        waiting="Attente des décisions",
        showing="de montrer les reçus",
    ),
    "en": _Words(
        told="{read} document(s): {outcomes}",
        outcomes={outcome: outcome for outcome in OUTCOMES},
        nothing="no document",
        waiting="Waiting for the decisions",
        showing="to show the receipts",
    ),
}


@dataclass(slots=True)
class Tally:
    """How many documents had each outcome, and the problems by line."""

    outcomes: Counter[str] = field(default_factory=Counter)
    receipts: dict[str, int] = field(default_factory=dict)
    """Receipt id → document number of what is still to be decided."""
    findings: list[Finding] = field(default_factory=list)

    def take(self, documents: Sequence[Document], results: Sequence[Mapping[str, Any]]) -> None:
        """Add what a gateway answered to these documents, one result each."""
        for document, result in zip(documents, results, strict=True):
            receipt = result.get("receipt")
            if isinstance(receipt, str):
                self.receipts[receipt] = document.number
            else:
                self.outcomes["refused"] += 1
            self._find(document.number, result)

    async def follow(self, client: Client) -> None:
        """Read the publisher's receipts until all is decided; what is not after a minute is ``pending``."""
        words = _WORDS[client.language]
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        params = {"limit": _PAGE}
        with ERR.status(words.waiting):
            while self.receipts:
                answer = await client.call("GET", "/v1/receipts", params=params)
                if not answer.ok:
                    raise refused(answer, words.showing)
                for receipt in answer.body["receipts"]:
                    self._decide(receipt)
                params["cursor"] = answer.body["cursor"]
                if self.receipts and not answer.body["more"]:
                    if asyncio.get_running_loop().time() > deadline:
                        break
                    await asyncio.sleep(_PAUSE)
        self.outcomes["pending"] = len(self.receipts)

    def told(self, language: Language) -> str:
        """In words, such as ``3 document(s): 2 accepted, 1 stale``."""
        words = _WORDS[language]
        said = [f"{self.outcomes[one]} {words.outcomes[one]}" for one in OUTCOMES if self.outcomes[one]]
        return words.told.format(read=self.outcomes.total(), outcomes=", ".join(said)) if said else words.nothing

    def conclude(self, language: Language, *, more: str = "") -> None:
        """Print the problems and the tally, with ``more`` after it; end the command with 1 when something was refused
        or stale.
        """
        if self.findings:
            OUT.print(table_of(sorted(self.findings, key=lambda finding: finding.number), language))
        OUT.print(self.told(language) + more)
        if self.outcomes["refused"] or self.outcomes["stale"]:
            raise typer.Exit(FAILED)

    def _decide(self, receipt: Mapping[str, Any]) -> None:
        number = self.receipts.pop(receipt["receipt"], None)
        if number is None:
            return
        verdict = receipt["verdict"]
        self.outcomes["refused" if verdict == "rejected" else verdict] += 1
        if verdict in {"stale", "rejected"}:
            self._find(number, receipt)

    def _find(self, number: int, told: Mapping[str, Any]) -> None:
        self.findings += [Finding(number, told.get("id"), problem) for problem in told.get("problems") or ()]
