"""Role *gateway*: the kit acts as publisher, neighbour, subscriber and operator of a gateway over HTTP."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import aiohttp
import orjson

import schemas
from conformance.model.case import CaseDocument, ExpectedVerdict
from conformance.model.result import Deviation, NotApplicableError
from conformance.role.http_role import HttpRole, wrong_status
from conformance.script.body import document_of
from conformance.script.matcher import render_value
from conformance.script.template import Names, value_at
from conformance.target.setup import Setup
from conformance.target.wire import Reply, Wire
from conformance.words import Texts, code_in_words, joined, plain, say

_JSON = {"Content-Type": "application/json"}
_LINES = {"Content-Type": "application/x-ndjson"}
_COME_BACK = frozenset({429, 503})
_FAULT = 500
_INSIDE = re.compile(
    r"Traceback|File \"[^\"]+\", line [0-9]+|\bat [\w.$<>]+ ?\([^)]*:[0-9]+|\b[A-Z]\w+(?:Error|Exception)\b|\bSELECT\b"
)
"""Signs of a stack trace, an exception or a query."""


class GatewayRole(HttpRole):
    """Runs cases against one gateway."""

    def __init__(self, setup: Setup, session: aiohttp.ClientSession, *, seed: str, day: Callable[[], date]) -> None:
        platforms = {name: account.platform for name, account in setup.accounts.items()}
        super().__init__(setup, seed=seed, day=day, platforms=platforms)
        accounts = {"nobody": None, "stranger": None, **setup.accounts}
        self._wires = {
            name: Wire(session, setup.target, account, self.journal, patience=setup.patience, throttle=self.throttle)
            for name, account in accounts.items()
        }

    def _compare_failure(self, reply: Reply, location: Texts) -> list[Deviation]:
        """429 and 503 say when to come back, and a fault shows nothing of the inside."""
        if reply.status in _COME_BACK and "Retry-After" not in reply.headers:
            return [Deviation(location, say("retry-after"), say("nothing"))]
        found = _INSIDE.search(reply.body.decode(errors="replace")) if reply.status >= _FAULT else None
        return [] if found is None else [Deviation(location, say("no-inner-details"), plain(found[0]))]

    async def _judge(self, subject: CaseDocument, /) -> list[Deviation]:
        """Compare a document's verdicts alone and as the line of a batch. What must be refused is sent for real, too:
        nothing of it is stored. Raises NotApplicableError.
        """
        raw = document_of(subject, self._names)
        subject = replace(subject, expected=subject.expected.on(self._names.day))
        if not subject.live and not self._holds_today(subject, raw):
            raise NotApplicableError(say("offline"))
        if subject.kind == "offer":
            path = f"/v1/offers/{_own_id(raw, self._names)}"
            for query in ("?dry_run=true",) if subject.expected.accepted else ("?dry_run=true", ""):
                reply = await self._wires["publisher"].call("PUT", path + query, headers=_JSON, body=raw)
                if findings := _compare(subject.expected, reply, path, value_at(reply.json, "/problems")):
                    return findings
            if not self._setup.supports("batch") or not _is_line(raw):
                return []
        path = "/v1/offers/batch"
        query = "?dry_run=true" if subject.expected.accepted else ""
        reply = await self._wires["publisher"].call("POST", path + query, headers=_LINES, body=raw + b"\n")
        return _compare(subject.expected, reply, path, value_at(reply.json, "/results/0/problems"))

    def _holds_today(self, subject: CaseDocument, raw: bytes) -> bool:
        """Whether the verdict that was written for another day is also that of today, under the publisher's own id."""
        if subject.kind != "offer" or subject.size is not None or _id_of(raw) != _own_id(raw, self._names):
            return False
        verdict = schemas.check(raw, on=self._names.day)
        found = {(problem.code, problem.pointer) for problem in verdict.problems}
        return verdict.accepted is subject.expected.accepted and found == subject.expected.problems


def _is_line(raw: bytes) -> bool:
    """Whether the document is an offer as the line of a batch: one line, not blank, no array, and no withdrawal."""
    starts = raw.lstrip()[:1]
    return b"\n" not in raw and starts not in {b"", b"["} and b'"withdrawn"' not in raw


def _compare(expected: ExpectedVerdict, reply: Reply, location: str, reported: Any) -> list[Deviation]:
    """Compare the status and the problems of an answer with the expected verdict."""
    status = 200 if expected.accepted else 422
    if reply.status != status:
        return [wrong_status(say("at-status", location=location), (status,), reply)]
    problems = [] if reported is None else reported
    location_of_problems = joined((plain(location), say("problems")), ": ")
    return compare_problems(expected, problems, location_of_problems) or _compare_severities(
        expected, problems, location_of_problems
    )


def _compare_severities(expected: ExpectedVerdict, problems: list[Any], location: Texts) -> list[Deviation]:
    """An accepted document has warnings only, a refused one at least one error."""
    found = {problem["severity"] for problem in problems if isinstance(problem.get("severity"), str)}
    wrong = bool(found - {"warning"}) if expected.accepted else "error" not in found
    if not wrong:
        return []
    severities = plain(render_value(sorted(found)))
    return [Deviation(location, say("warnings-only") if expected.accepted else say("one-error"), severities)]


def _own_id(raw: bytes, names: Names) -> str:
    """The document's id where it is a valid id of the publisher, else a generated one."""
    offer_id = _id_of(raw)
    own = re.escape(names.platforms["publisher"]) + r":[A-Za-z0-9._~-]{1,60}"
    is_own = isinstance(offer_id, str) and re.fullmatch(own, offer_id)
    return str(offer_id) if is_own else names.offer_id("publisher", "a")


def _id_of(raw: bytes) -> Any:
    try:
        return orjson.loads(raw).get("id")
    except (orjson.JSONDecodeError, AttributeError):
        return None


def compare_problems(expected: ExpectedVerdict, reported: Any, location: Texts) -> list[Deviation]:
    """Compare the target's problems with the expected ones: one finding for missing problems, one for extra ones."""
    if not isinstance(reported, list):
        return [Deviation(location, say("problem-list"), say("no-list"))]
    found: set[tuple[str, str]] = set()
    findings = []
    for problem in reported:
        match problem:
            case {"code": str(code), "pointer": str(pointer)}:
                found.add((code, pointer))
            case {"code": str(code)} if "pointer" not in problem:  # the whole document
                found.add((code, ""))
            case _:
                findings.append(Deviation(location, say("problem-form"), plain(render_value(problem))))
    forms = {_common_form(*problem) for problem in found}
    missing = {one for one in expected.problems - expected.open if _common_form(*one) not in forms}
    if missing:
        findings.append(Deviation(location, _listed(expected.problems), say("not-reported", problems=_listed(missing))))
    if extra := {problem for problem in found - expected.open if not _is_right(problem, expected)}:
        wanted = _listed(expected.problems) if expected.problems else say("no-problem")
        findings.append(Deviation(location, wanted, say("reported", problems=_listed(extra))))
    return findings


_COMMON_CODES = {"field-misnamed": "field-unknown"}
"""The protocol forbids the field (OFR-003); how near a name must be to be called misnamed is left open."""
_OF_A_TEXT = frozenset({"json-surrogate", "json-number"})
"""Faults of the text that is no JSON: the pointer may be that of the value or of the document."""


_OF_A_LIST = frozenset({"repeated-item", "week-too-far", "expired"})
"""Faults of a list: the pointer may be that of the list or of the item."""


def _common_form(code: str, pointer: str) -> tuple[str, str]:
    """The common form of what gateways may report in different ways."""
    if code in _OF_A_TEXT:
        return code, ""
    return _COMMON_CODES.get(code, code), re.sub(r"/[0-9]+\Z", "", pointer) if code in _OF_A_LIST else pointer


def _is_right(problem: tuple[str, str], expected: ExpectedVerdict) -> bool:
    """Whether a problem is expected, or a further one at the location of an expected one of a refused document: a
    verdict names all problems (OFR-038), and one value may break several sentences.
    """
    if _common_form(*problem) in {_common_form(*one) for one in expected.problems}:
        return True
    here = problem[1]
    locations = {pointer for _, pointer in expected.problems if pointer}
    return not expected.accepted and any(
        here == one or here.startswith(f"{one}/") or (here and one.startswith(f"{here}/")) for one in locations
    )


def _listed(problems: Iterable[tuple[str, str]]) -> Texts:
    return joined((_problem(render_value(code), render_value(pointer)) for code, pointer in sorted(problems)), " · ")


def _problem(code: str, pointer: str) -> Texts:
    text = code_in_words(code)
    return say("problem-at", code=text, pointer=pointer) if pointer else say("problem", code=text)
