"""Base of the roles that call the partner's system: HTTP calls and feed reads, kept values, reference copies."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import quote

from conformance.model.case import CallStep, Clear, Follow, Only, Reads, Restart, Step, TokenStep
from conformance.model.result import Deviation, NotApplicableError, UnverifiableError
from conformance.role.copy import Copy
from conformance.role.interruption import interrupt
from conformance.role.role import Role
from conformance.role.topic_copy import TopicCopy
from conformance.role.way_out import WaysOut
from conformance.script.answer import read_answer
from conformance.script.body import write_body
from conformance.script.export import UnreadableExportError, entries_of
from conformance.script.matcher import mismatches
from conformance.script.template import InAddress, fill, value_at
from conformance.target.topic import SubscriberTopic
from conformance.target.wire import Reply, Wire, poll
from conformance.words import Texts, joined, plain, say

_PAUSE_SECONDS = 0.05
_Seen = TypeVar("_Seen")
_PAGES_AT_MOST = 500
_LINES = {"Content-Type": "application/x-ndjson"}
_REFUSED, _LIMITED = 400, 429
_OPTIONAL = "?"
"""Behind the source of a kept value that may be absent."""
_FORGED = (
    "Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzdHJhbmdlciIsImV4cCI6OTk5OTk5OTk5OX0."
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)


class HttpRole(Role):
    """Holds a client per account, and of the present case the kept values and the copies read so far. ``topics`` are
    the subscriber topics by account, where the set-up names a cluster.
    """

    topics: Mapping[str, SubscriberTopic] = MappingProxyType({})
    _wires: Mapping[str, Wire]
    _copies: dict[str, Copy]

    async def _reset(self) -> None:
        self._names = self._names.keeping(self._declared)
        self._copies = {}
        self._resumed: dict[str, Copy] = {}
        self._polls: dict[str, asyncio.Task[Reply]] = {}
        mark = str(self._names["local.a"]).removesuffix("a")
        self._topic_copies = {
            account: TopicCopy(topic, mark, len(topic.records), self.journal) for account, topic in self.topics.items()
        }

    async def _end(self) -> None:
        """Close the long polls that are open."""
        for poll_of_case in self._polls.values():
            poll_of_case.cancel()
        await asyncio.gather(*self._polls.values(), return_exceptions=True)

    async def _take(self, step: Step, location: Texts) -> list[Deviation]:
        match step:
            case CallStep():
                left_out = step.where is not None and not self._setup.supports(step.where)
                return [] if left_out else await self._call(step, location)
            case Follow():
                return await self._follow(step, location)
            case Reads():
                return await self._compare_ways_out(step, location)
            case TokenStep():
                return await self._keep_token(step, location)
            case Only(values, declared):
                return self._require(values, location, must=f"territory_of_{declared}" in self._declared)
            case Clear(account):
                return await self._clear(self._wire(account), location)
            case Restart(number):
                return await interrupt(
                    self._wire("publisher"), self._names, number, setup=self._setup, location=location
                )
        raise UnverifiableError(say("other-step"))

    async def _keep_token(self, step: TokenStep, location: Texts) -> list[Deviation]:
        """Keep a token. Raises NotApplicableError where the target does not give one with the requested scope alone."""
        reply, token, scope = await self._wire(step.account).token(step.scope)
        if step.scope is not None and (reply.status == _REFUSED or (token and set(scope.split()) != {step.scope})):
            raise NotApplicableError(say("wider-scope", scope=scope or "–"))
        if not token:
            return [wrong_status(say("at-status", location=location), (200,), reply)]
        self._names = self._names.keeping({step.keep: token})
        return []

    @property
    def _declared(self) -> Mapping[str, Any]:
        """The territories of accounts that the set-up declares, by the names under which cases keep them."""
        accounts = self._setup.accounts.items()
        return {f"territory_of_{name}": account.territory for name, account in accounts if account.territory}

    def _require(self, values: Mapping[str, Any], location: Texts, *, must: bool) -> list[Deviation]:
        """Raises NotApplicableError where a kept value does not match, unless it ``must``: then that is a finding. What
        the set-up declares needs no match.
        """
        for name, matcher in values.items():
            if name in self._declared:
                continue
            at = joined((location, plain(name)), ", ") if must else plain(name)
            wrong = mismatches(fill(matcher, self._names), self._names[f"kept.{name}"], at)
            if wrong and must:
                return wrong
            if wrong:
                raise NotApplicableError(say("only-where", found=joined((plain(f"{name} = "), wrong[0].actual))))
        return []

    def _wire(self, account: str) -> Wire:
        wire = self._wires.get(account)
        if wire is None:
            raise UnverifiableError(say("no-account", account=account))
        return wire

    async def _call(self, step: CallStep, location: Texts) -> list[Deviation]:
        async def send() -> tuple[Reply, list[Deviation]]:
            replies = await asyncio.gather(*(self._send(step) for _ in range(step.together)))
            return replies[0], [finding for reply in replies for finding in self._compare(step, reply, location)]

        reply, findings = await self._poll(send, lambda found: not found[1], step.until)
        return findings or self._keep(step, reply, location)

    def _keep(self, step: CallStep, reply: Reply, location: Texts) -> list[Deviation]:
        """Keep the parts of an answer that later steps use; the findings are those that are not there."""
        findings = []
        for name, source in step.keep.items():
            if name in self._declared:
                continue
            at = str(fill(source.removesuffix(_OPTIONAL), self._names))
            value = _part(reply, at)
            if value is None and not source.endswith(_OPTIONAL):
                where = joined((location, plain(f"{step.method} {step.path}: {at}")), ", ")
                findings.append(Deviation(where, say("anything"), say("nothing")))
            self._names = self._names.keeping({name: value})
        return findings

    async def _poll(self, look: Callable[[], Awaitable[_Seen]], done: Callable[[_Seen], bool], seconds: float) -> _Seen:
        waited = self.throttle.seconds
        seen = await poll(look, done, seconds=seconds * self._setup.patience, pause=_PAUSE_SECONDS)
        waited = self.throttle.seconds - waited
        if not waited or done(seen):
            return seen
        return await poll(look, done, seconds=waited, pause=_PAUSE_SECONDS)  # the rate took this long of it

    async def _send(self, step: CallStep) -> Reply:
        headers = {name: str(value) for name, value in fill(dict(step.headers), self._names).items()}
        body = None
        if step.body is not None:
            body, described = await asyncio.to_thread(write_body, step.body, self._names)
            headers = {**described, **headers}
        if step.account == "stranger":
            headers = {"Authorization": _FORGED, **headers}
        expected = [status for each in (step.expect, *step.expect.others) for status in each.status]
        return await self._wire(step.account).call(
            step.method,
            fill(step.path, InAddress(self._names)),
            headers=headers,
            body=body,
            waits=_LIMITED not in expected,
        )

    def _compare(self, step: CallStep, reply: Reply, location: Texts) -> list[Deviation]:
        location = joined((location, plain(f"{step.method} {step.path}")), ", ")
        always = self._compare_failure(reply, say("at-headers", location=location))
        if reply.status in step.expect.unless:
            raise NotApplicableError(say("not-offered", request=f"{step.method} {step.path}", status=reply.status))
        wanted = step.expect.of(reply.status)
        if reply.status not in wanted.status:
            statuses = [status for each in (wanted, *wanted.others) for status in each.status]
            return [wrong_status(say("at-status", location=location), statuses, reply), *always]
        expected = {name.lower(): fill(matcher, self._names) for name, matcher in wanted.headers.items()}
        findings = always + mismatches(expected, reply.headers, say("at-headers", location=location))
        if wanted.body is not None:
            findings += mismatches(fill(wanted.body, self._names), _body(reply), say("at-body", location=location))
        if wanted.text is not None:
            text = reply.body.decode(errors="replace")
            findings += mismatches(fill(wanted.text, self._names), text, say("at-text", location=location))
        if wanted.entries is not None:
            findings += _compare_entries(fill(wanted.entries, self._names), reply, location)
        return findings

    def _compare_failure(self, _reply: Reply, _location: Texts) -> list[Deviation]:
        """Findings on a failure of the target itself, expected or not."""
        return []

    async def _follow(self, step: Follow, location: Texts) -> list[Deviation]:
        location = say("at-feed", location=location, account=step.account)
        copy = self._copies.setdefault(step.copy or step.account, Copy())
        expected = fill(dict(step.expect), self._names)

        async def read() -> tuple[list[Deviation], list[Deviation]]:
            wrong = await self._read(step, copy, location)
            return wrong, copy.compare(expected, location)

        wrong, findings = await self._poll(read, lambda found: bool(found[0]) or not found[1], step.until)
        return wrong or findings

    async def _compare_ways_out(self, step: Reads, location: Texts) -> list[Deviation]:
        ways = WaysOut(
            wire=self._wire(step.account),
            reader=self._platforms[step.account],
            query=fill(step.query, InAddress(self._names)),
            expect=fill(dict(step.expect), self._names),
            exports=self._setup.supports("exports"),
            digests=self._setup.supports("digest"),
            resumed=self._resumed,
            polls=self._polls,
            topic=self._topic_copies.get(step.account),
            location=say("at-reader", location=location, account=step.account),
        )
        return await ways.compare(lambda look, done: self._poll(look, done, step.until))

    async def _read(self, step: Follow, copy: Copy, location: Texts) -> list[Deviation]:
        """Read to the end of the feed; returns the findings on the pages."""
        query = fill(step.query, InAddress(self._names))
        for _ in range(_PAGES_AT_MOST):
            parameters = [query, *([] if "limit=" in query else ["limit=1000"])]
            if copy.cursor is not None:
                parameters.append(f"cursor={quote(copy.cursor, safe='')}")
            reply = await self._wire(step.account).call("GET", "/v1/changes?" + "&".join(filter(None, parameters)))
            if reply.status != 200:
                return [wrong_status(say("at-status", location=location), (200,), reply)]
            wrong = mismatches({"$schema": "changes-page"}, reply.json, say("at-page", location=location))
            wrong = wrong or copy.apply(reply.json, location)
            if wrong or not reply.json["more"]:
                return wrong
        return [Deviation(location, say("feed-end"), say("more-pages", pages=_PAGES_AT_MOST))]

    async def _clear(self, wire: Wire, location: Texts) -> list[Deviation]:
        """Send an empty snapshot; confirm the number of the withdrawal guard."""
        location = say("at-clearing", location=location)
        mark = await wire.call("POST", "/v1/snapshots/marks")
        if mark.status != 201:
            return [wrong_status(say("at-mark", location=location), (201,), mark)]
        path = f"/v1/snapshots?mark={quote(str(value_at(mark.json, '/mark')), safe='')}"
        reply = await wire.call("POST", path, headers=_LINES, body=b'{"count": 0}\n')
        withdrawing = value_at(reply.json, "/would_withdraw")
        if reply.status == 409 and isinstance(withdrawing, int):
            reply = await wire.call("POST", f"{path}&confirm={withdrawing}", headers=_LINES, body=b'{"count": 0}\n')
        return (
            [] if reply.status in {200, 202} else [wrong_status(say("at-status", location=location), (200, 202), reply)]
        )


def _compare_entries(expected: Any, reply: Reply, location: Texts) -> list[Deviation]:
    location = say("at-entries", location=location)
    try:
        entries = entries_of(reply.body, reply.headers.get("Content-Type", ""))
    except UnreadableExportError as error:
        return [Deviation(location, say("export-file"), error.text)]
    return mismatches(expected, entries, location)


def _body(reply: Reply) -> Any:
    return read_answer(reply.status, reply.headers, reply.json)


def _part(reply: Reply, source: str) -> Any:
    """The part of an answer that a step keeps; None where there is none."""
    if source.startswith("/"):
        return value_at(_body(reply), source)
    return reply.headers.get(source)


def wrong_status(location: Texts, expected: Sequence[int], reply: Reply) -> Deviation:
    """The finding on an unexpected status, with the problem's code."""
    wanted = plain(expected[0])
    for status in expected[1:]:
        wanted = say("or", one=wanted, other=status)
    code = value_at(reply.json, "/code")
    actual = plain(f"{reply.status} {code}" if code else reply.status)
    return Deviation(location, wanted, actual if reply.failure is None else say("no-answer", why=reply.failure))
