"""Causes that the tally of a run shows: what every request of a partner, or every call of its interface, came to."""

from dataclasses import replace
from typing import cast

import schemas
from conformance.model.cause import Cause
from conformance.model.result import Deviation, Outcome, Result
from conformance.role.tally import ControlTally, RunTally
from conformance.script.matcher import render_value
from conformance.target.reach import interface_cause
from conformance.target.setup import Setup
from conformance.words import Texts, joined, plain, say
from schemas.rulebook import message_of

_ESSENTIAL = frozenset({"POST /reset", "POST /create", "POST /sync", "GET /offers"})
_WRONG_PROOF = "invalid_client"
_PATHS = ("/oauth/token", "/v1/")


def is_idle(tally: RunTally, setup: Setup, result: Result) -> bool:
    """Whether the partner accepted an order, or was observed, and made no request at all."""
    ordered = any(tally.calls.get(call, ControlTally()).executed for call in ("POST /create", "POST /sync"))
    observed = setup.control is None and result.outcome is Outcome.SKIP and result.case.family == "watched"
    return not tally.came and (ordered or observed)


def no_request_cause(setup: Setup) -> Cause:
    """The cause that the partner never called the kit."""
    title = say("cause-no-request", listen=setup.listen)
    return Cause(code="no-request", title=title, step=say("cause-no-request-step", listen=setup.listen))


def access_cause(tally: RunTally, setup: Setup) -> Cause | None:
    """The cause that no request of the partner gets as far as being judged: token, address."""
    if tally.succeeded or tally.refused or tally.denied:
        return None
    account = setup.accounts.get(setup.role)
    if account is None:
        return None
    if tally.token_refusals and not tally.tokens:
        if tally.token_error != _WRONG_PROOF or tally.secret_in_address:
            return _token_request(tally)
        client = tally.client or account.client_id
        title = say("cause-partner-token", client=client)
        step = say("cause-partner-token-step", role=setup.role, client=account.client_id)
        words = say("cause-kit-answered", text=render_value(tally.token_error)) if tally.token_error else None
        return Cause(code="token-refused", title=title, words=words, step=step)
    if tally.unknown_paths:
        return _unknown_paths(tally, setup)
    if (tally.wrong_token or tally.without_token) and not tally.tokens:
        title = say("cause-no-token-asked") if tally.without_token else say("cause-foreign-token")
        step = say("cause-foreign-token-step", listen=setup.listen)
        return Cause(code="token-not-asked", title=title, step=step)
    if tally.without_token and not tally.wrong_token:
        title, step = say("cause-token-unused"), say("cause-token-unused-step")
        return Cause(code="token-unused", title=title, step=step, outcome=Outcome.FAIL, requirements=("SEC-001",))
    return None


def _token_request(tally: RunTally) -> Cause:
    """The cause that the partner's token request has not the form of one: no secret could be right."""
    title, step = say("cause-token-request"), say("cause-token-request-step")
    if tally.secret_in_address:
        title = say("cause-secret-in-address")
    words = {"fr": tally.token_words["fr"], "en": tally.token_words["en"]} if tally.token_words else None
    return Cause(
        code="token-request",
        title=title,
        step=step,
        outcome=Outcome.FAIL,
        words=cast("Texts | None", words),
        requirements=("SEC-001",),
    )


def _unknown_paths(tally: RunTally, setup: Setup) -> Cause:
    """The cause that the partner asks for addresses that a gateway does not have."""
    call = tally.unknown_paths.most_common(1)[0][0]
    path = call.partition(" ")[2]
    title = say("cause-partner-paths", request=call)
    if any(known in path[1:] for known in _PATHS):
        step = say("cause-partner-base-step", listen=setup.listen)
        return Cause(code="base-path", title=title, step=step)
    step = say("cause-partner-paths-step")
    return Cause(code="unknown-paths", title=title, step=step, outcome=Outcome.FAIL, requirements=("PUB-001",))


def control_cause(tally: RunTally, setup: Setup, *, again: bool) -> Cause | None:
    """The cause that an essential call of the test interface never succeeds."""
    for call in sorted(_ESSENTIAL & tally.calls.keys()):
        counts = tally.calls[call]
        if counts.executed or counts.last is None or not (counts.late or (counts.failed > 1) or again):
            continue
        words = joined((plain(counts.last.status or ""), plain(counts.last.answer)), " ")
        cause = interface_cause(call, setup, words, silent=counts.last.status == 0)
        if not tally.succeeded:
            return cause
        if counts.failed > 2 and tally.denied:  # it fails since the kit refused its requests
            return denied_cause(tally)
        if counts.failed > 2:  # it read from the kit first: that is the examined system, not its set-up
            title, step = say("cause-reads-and-fails", call=call), say("cause-reads-and-fails-step")
            return replace(cause, code="sync-fails", title=title, step=step, outcome=Outcome.FAIL)
    return None


def documents_cause(tally: RunTally) -> Cause:
    """The cause that every document is refused, with the gateway's words on the problems that all have in common."""
    common = tally.common or {}
    rules = schemas.catalogue()
    known = [code for code, _ in common or tally.frequent if code in rules]
    requirements = tuple(dict.fromkeys(rules[code].requirement for code in known))
    return Cause(
        code="documents-refused",
        title=say("cause-documents", problems=refusals(tally)),
        step=_fix(known) if known else say("cause-documents-step"),
        outcome=Outcome.FAIL,
        words=_messages(tally),
        requirements=requirements,
        finding=Deviation(say("submissions"), say("sound-document"), refusals(tally)),
    )


def refusals(tally: RunTally) -> Texts:
    """The problems that all refused documents have, or the most frequent ones."""
    if not tally.refused and tally.denied:
        return _denial(tally)
    problems = list(tally.common or ())[:5] or [problem for problem, _ in tally.frequent.most_common(3)]
    if not problems:
        return say("refused")
    return joined((say("problem-at", code=c, pointer=p) if p else say("problem", code=c) for c, p in problems), ", ")


def _fix(codes: list[str]) -> Texts:
    """The remedy of the first problem, from the catalogue; with placeholders the way to see it for each document."""
    fix, judge = schemas.catalogue()[codes[0]].fix, say("cause-documents-step")
    return judge if "{" in fix["en"] + fix["fr"] else joined((fix, judge), " ")


def _messages(tally: RunTally) -> Texts | None:
    """The gateway's messages on the common problems."""
    known = [message_of(problem) for problem in list((tally.common or {}).values())[:3] if "message" in problem]
    return joined(known, " ") if known else None


def denied_cause(tally: RunTally) -> Cause:
    """The cause that every request gets the same error."""
    code = tally.denied.most_common(1)[0][0][1]
    rules = schemas.catalogue()
    return Cause(
        code="requests-refused",
        title=say("cause-some-denied", problem=_denial(tally))
        if tally.succeeded
        else say("cause-denied", problem=_denial(tally)),
        step=say("cause-denied-step"),
        outcome=Outcome.FAIL,
        words=None if tally.denial is None else plain(tally.denial.answer),
        requirements=(rules[code].requirement,) if code in rules else (),
    )


def _denial(tally: RunTally) -> Texts:
    """The most frequent error: its status, and the text of its code."""
    (status, code), _ = tally.denied.most_common(1)[0]
    rule = schemas.catalogue().get(code)
    known = plain(code) if rule is None or "{" in rule.message["fr"] else rule.message
    return joined((say("answered", status=status), known), ", ") if code else say("answered", status=status)


def worn_token_cause() -> Cause:
    """The cause that no token with which the partner comes is valid, although it obtained one."""
    title, step = say("cause-worn-token"), say("cause-worn-token-step")
    return Cause(code="token-invalid", title=title, step=step, outcome=Outcome.FAIL, requirements=("SEC-001",))


def flood_cause(tally: RunTally) -> Cause:
    """The cause that the partner sends more than any case asks for."""
    title = say("cause-flood", number=tally.came)
    return Cause(code="flood", title=title, step=say("cause-flood-step"), outcome=Outcome.FAIL)
