"""Role *gateway*: the kit acts as publisher, neighbour, subscriber and operator of a gateway over HTTP."""

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import aiohttp
import orjson

from conformance.model.case import Document, Verdict
from conformance.model.result import Finding, NotApplicableError
from conformance.role.http_role import HttpRole, wrong_status
from conformance.script.body import document_of
from conformance.script.matcher import render_value
from conformance.script.template import Names, value_at
from conformance.target.setup import Setup
from conformance.target.wire import Wire
from conformance.words import Texts, joined, plain, say

_JSON = {"Content-Type": "application/json"}
_LINES = {"Content-Type": "application/x-ndjson"}


class GatewayRole(HttpRole):
    """Runs cases against one gateway."""

    def __init__(self, setup: Setup, session: aiohttp.ClientSession, *, seed: str, day: Callable[[], date]) -> None:
        platforms = {name: account.platform for name, account in setup.accounts.items()}
        super().__init__(setup, seed=seed, day=day, platforms=platforms)
        accounts = {"nobody": None, "stranger": None, **setup.accounts}
        self._wires = {
            name: Wire(session, setup.target, account, self.journal, patience=setup.patience)
            for name, account in accounts.items()
        }

    async def _judge(self, subject: Document, /) -> list[Finding]:
        """Compare a document's verdict by a dry run, which stores nothing. Raises NotApplicableError."""
        if not subject.live:
            raise NotApplicableError(say("offline"))
        raw = document_of(subject, self._names)
        if subject.kind == "offer":
            path = f"/v1/offers/{_own_id(raw, self._names)}?dry_run=true"
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
