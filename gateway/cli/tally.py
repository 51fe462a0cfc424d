"""Count the outcomes of sent documents, from the gateway's answers and from receipts."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import orjson
import typer

from gateway.cli.console import ERR, FAILED, OUT
from gateway.cli.document import FileDocument
from gateway.cli.partner_context import refused
from gateway.cli.problems import DocumentProblem, groups_of, table_of
from gateway.client import Client, ClientAnswer
from schemas.rulebook import Language
from schemas.texts import load_words

OUTCOMES = ("accepted", "duplicate", "stale", "refused", "pending")
"""In display order. *refused* covers refusals in the answer and the verdict *rejected*."""

_LETTERS: Mapping[str, str] = {
    "a": "accepted",
    "d": "duplicate",
    "s": "stale",
    "j": "refused",
    "r": "refused",
    "n": "refused",
    "q": "pending",
    "u": "pending",
}
"""The outcome of each letter in an answer's ``statuses``."""
_UPLOADS = ("batch", "snapshot")
_PAGE = "1000"
_STALL_SECONDS = 60.0
_POLL_SECONDS = 0.5

_WORDS = load_words(SimpleNamespace, "gateway", "tally")


@dataclass(slots=True)
class _Upload:
    """A batch or snapshot with undecided documents: their numbers by receipt id, or by offer id if the answer was
    truncated and has no receipt id.
    """

    kind: str
    id: str
    by_receipt: dict[str, int] = field(default_factory=dict)
    by_offer: dict[str, int] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """The number of undecided documents."""
        return len(self.by_receipt) + len(self.by_offer)

    def take_out(self, receipt: Mapping[str, Any]) -> int | None:
        """Remove and return the number of the document that a receipt decides; None if it decides none of them."""
        number = self.by_receipt.pop(receipt["receipt"], None)
        if number is None and receipt["publisher"] != "gateway":
            number = self.by_offer.pop(receipt.get("id", ""), None)
        return number


@dataclass(slots=True)
class DocumentTally:
    """Counts of documents by outcome; problems by line, and counted by rule."""

    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[DocumentProblem] = field(default_factory=list)
    rules: Counter[str] = field(default_factory=Counter)
    left_out: int = 0
    _uploads: list[_Upload] = field(default_factory=list)

    def take(self, documents: Sequence[FileDocument], answer: ClientAnswer) -> bool:
        """Add the gateway's answer to these documents. Returns False if the answer does not cover them."""
        body = answer.body if isinstance(answer.body, dict) else {}
        statuses = body.get("statuses")
        if not isinstance(statuses, str) or len(statuses) != len(documents):
            return False
        results = {result["index"]: result for result in body["results"]}
        self.outcomes.update(_LETTERS.get(letter, "pending") for letter in statuses)
        self.rules.update(body["rules"])
        self.rules.update(body["warnings"])
        self.left_out += body.get("omitted", {}).get("items", 0)
        for index, result in results.items():
            self._find(documents[index].number, result)
        undecided = [index for index, letter in enumerate(statuses) if _LETTERS.get(letter, "pending") == "pending"]
        if undecided:
            upload = next(_Upload(kind, body[kind]) for kind in _UPLOADS if kind in body)
            for index in undecided:
                if index in results:
                    upload.by_receipt[results[index]["receipt"]] = documents[index].number
                else:
                    upload.by_offer[orjson.loads(documents[index].raw)["id"]] = documents[index].number
            self._uploads.append(upload)
        return True

    async def follow(self, client: Client) -> None:
        """Poll the receipts until all documents are decided. After a minute without a new decision, the rest stays
        ``pending``. Raises CommandError.
        """
        with ERR.status(_WORDS[client.language].waiting):
            for upload in self._uploads:
                await self._follow(upload, client)

    async def _follow(self, upload: _Upload, client: Client) -> None:
        clock = asyncio.get_running_loop().time
        deadline = clock() + _STALL_SECONDS
        params = {upload.kind: upload.id, "limit": _PAGE}
        while upload.left:
            answer = await client.call("GET", "/v1/receipts", params=params)
            if not answer.ok:
                raise refused(answer, _WORDS[client.language].the_receipts)
            for receipt in answer.body["receipts"]:
                self._decide(upload, receipt)
                deadline = clock() + _STALL_SECONDS
            params["cursor"] = answer.body["cursor"]
            if upload.left and not answer.body["more"]:
                if clock() > deadline:
                    break
                await asyncio.sleep(_POLL_SECONDS)

    def summary(self, language: Language) -> str:
        """The counts as a sentence, such as ``3 document(s): 2 accepted, 1 stale``."""
        words = _WORDS[language]
        counts = [f"{self.outcomes[one]} {words.outcomes[one]}" for one in OUTCOMES if self.outcomes[one]]
        counted = words.summary.format(read=self.outcomes.total(), outcomes=", ".join(counts))
        return str(counted if counts else words.nothing)

    def conclude(self, language: Language, *, more: str = "") -> None:
        """Print the problems by line and by rule, then the counts followed by ``more``. Exit with 1 if a document was
        refused, stale, or is undecided.
        """
        words = _WORDS[language]
        if self.findings:
            OUT.print(table_of(sorted(self.findings, key=lambda finding: finding.number), language), soft_wrap=False)
        if self.rules.total() > 1:
            OUT.print(groups_of(self.rules, self.findings, language), soft_wrap=False)
        if self.left_out:
            OUT.print(words.left_out.format(self.left_out))
        if self.outcomes["pending"]:
            addresses = ", ".join(f"/v1/receipts?{one.kind}={one.id}" for one in self._uploads if one.left)
            OUT.print(words.undecided.format(addresses=addresses))
        OUT.print(self.summary(language) + more)
        if any(self.outcomes[outcome] for outcome in ("refused", "stale", "pending")):
            raise typer.Exit(FAILED)

    def _decide(self, upload: _Upload, receipt: Mapping[str, Any]) -> None:
        number = upload.take_out(receipt)
        if number is None:
            return
        verdict = receipt["verdict"]
        self.outcomes["pending"] -= 1
        self.outcomes["refused" if verdict == "rejected" else verdict] += 1
        if verdict in {"stale", "rejected"}:
            self.rules[receipt["problems"][0]["code"]] += 1
            self._find(number, {**receipt, "problems": receipt["problems"][:1]})

    def _find(self, number: int, result: Mapping[str, Any]) -> None:
        for problem in result.get("problems") or ():
            self.findings.append(DocumentProblem(number, result.get("id"), problem))
