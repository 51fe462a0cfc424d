"""Role *gateway*: the kit acts as publisher, neighbour, subscriber and operator of a gateway over HTTP."""

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import aiohttp
import orjson

from conformance.model.case import Case, Document, Script, Verdict
from conformance.model.result import Exchange, Finding, NotApplicableError
from conformance.role.script_player import ScriptPlayer, wrong_status
from conformance.script.body import document_of
from conformance.script.matcher import render_value
from conformance.script.names import Names
from conformance.script.template import value_at
from conformance.target.setup import Setup
from conformance.target.wire import Wire
from conformance.words import Texts, joined, plain, say

_JSON = {"Content-Type": "application/json"}
_LINES = {"Content-Type": "application/x-ndjson"}


class GatewayRole:
    """Runs cases against one gateway. ``day`` returns the day in Europe/Paris."""

    def __init__(self, setup: Setup, session: aiohttp.ClientSession, *, seed: str, day: Callable[[], date]) -> None:
        self._setup = setup
        self._seed = seed
        self._day = day
        self.journal: list[Exchange] = []
        accounts = {"nobody": None, "stranger": None, **setup.accounts}
        self._wires = {
            name: Wire(session, setup.target, account, self.journal, patience=setup.patience)
            for name, account in accounts.items()
        }

    async def play(self, case: Case) -> list[Finding]:
        """The findings of a case. Raises UnverifiableError, NotApplicableError, SetupError."""
        names = Names(
            seed=self._seed,
            case=case.id,
            day=self._day(),
            platforms={name: account.platform for name, account in self._setup.accounts.items()},
            hosts={name: account.host for name, account in self._setup.accounts.items() if account.host},
        )
        match case.subject:
            case Document():
                return await self._judge(case.subject, names)
            case Script(steps):
                return await ScriptPlayer(self._wires, names, self._setup).play(steps)

    async def _judge(self, subject: Document, names: Names) -> list[Finding]:
        """Compare a document's verdict by a dry run, which stores nothing. Raises NotApplicableError."""
        if not subject.live:
            raise NotApplicableError(say("offline"))
        raw = document_of(subject, names)
        if subject.kind == "offer":
            path = f"/v1/offers/{_own_id(raw, names)}?dry_run=true"
            reply = await self._wires["publisher"].call("PUT", path, headers=_JSON, body=raw)
            problems = value_at(reply.json, "/problems")
        else:
            path = "/v1/offers/batch?dry_run=true"
            reply = await self._wires["publisher"].call("POST", path, headers=_LINES, body=raw + b"\n")
            problems = value_at(reply.json, "/results/0/problems")
        status = 200 if subject.expected.accepted else 422
        if reply.status != status:
            return [wrong_status(say("at-status", location=path.partition("?")[0]), (status,), reply)]
        return compare_problems(subject.expected, [] if problems is None else problems, say("problems"))


def _own_id(raw: bytes, names: Names) -> str:
    """The document's id where it is a valid id of the publisher, else a generated one."""
    try:
        offer_id = orjson.loads(raw).get("id")
    except (orjson.JSONDecodeError, AttributeError):
        offer_id = None
    own = re.escape(names.platforms["publisher"]) + r":[A-Za-z0-9._~-]{1,60}"
    is_own = isinstance(offer_id, str) and re.fullmatch(own, offer_id)
    return str(offer_id) if is_own else names.offer_id("publisher", "a")


def compare_problems(expected: Verdict, reported: Any, location: Texts) -> list[Finding]:
    """Compare the target's problems with the expected ones: one finding for missing problems, one for extra ones."""
    if not isinstance(reported, list):
        return [Finding(location, say("problem-list"), say("no-list"))]
    found: set[tuple[str, str]] = set()
    findings = []
    for problem in reported:
        match problem:
            case {"code": str(code), "pointer": str(pointer)}:
                found.add((code, pointer))
            case {"code": str(code)} if "pointer" not in problem:  # the whole document
                found.add((code, ""))
            case _:
                findings.append(Finding(location, say("problem-form"), plain(render_value(problem))))
    if missing := expected.problems - found:
        findings.append(Finding(location, _listed(expected.problems), say("not-reported", problems=_listed(missing))))
    if extra := found - expected.problems:
        wanted = _listed(expected.problems) if expected.problems else say("no-problem")
        findings.append(Finding(location, wanted, say("reported", problems=_listed(extra))))
    return findings


def _listed(problems: Iterable[tuple[str, str]]) -> Texts:
    return joined((_problem(render_value(code), render_value(pointer)) for code, pointer in sorted(problems)), ", ")


def _problem(code: str, pointer: str) -> Texts:
    return say("problem-at", code=code, pointer=pointer) if pointer else say("problem", code=code)
