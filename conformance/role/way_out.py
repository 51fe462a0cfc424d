"""Ways out: one expectation of a reader, compared with everything by which a gateway gives offers to it.

Lists whole and page by page, single offers, the changes feed from its start and at its end, the long poll, the digests
of a copy, exports, and the subscriber topic where the set-up names a cluster. A resumed copy, and that of a topic, has
read to the end before: it is kept from one step of the case to the next. A long poll is open from one step to the next,
so that what happens between them ends it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote

import orjson

from conformance.model.result import Deviation, NotApplicableError
from conformance.role.comparison import Comparison, WayOutput
from conformance.role.copy import Copy
from conformance.role.topic_copy import TopicCopy
from conformance.script.digest_tree import leaf_of, node_of
from conformance.script.export import UnreadableExportError, entries_of
from conformance.script.matcher import mismatches, render_value
from conformance.target.wire import Reply, Wire
from conformance.words import Texts, joined, plain, say
from schemas.closed_list import closed_list

_FORMATS = closed_list("export_format")
_PAGES_AT_MOST = 500
_WHOLE, _FEW, _ONE, _SOME = 1000, 2, 1, 3
_POLL_SECONDS = 5
_FEED, _DIGEST = "/v1/changes", "/v1/changes/digest"
_DENIED_ONCE = 1
"""A change may come just behind the last page; behind several pages in a row it was there before."""
_FOUND, _NOT_FOUND, _GONE = 200, 404, 410
_Look: TypeAlias = Callable[[], Awaitable[list[Deviation]]]
Poll: TypeAlias = Callable[[_Look, Callable[[list[Deviation]], bool]], Awaitable[list[Deviation]]]
"""Repeats a look until what it finds is done, or the time is over."""


@dataclass(slots=True, kw_only=True)
class WaysOut(Comparison):
    """The ways out for one query. ``resumed`` are the copies of the case, ``polls`` its open long polls, ``reader`` is
    the reader’s slug, ``topic`` the copy of its subscriber topic.
    """

    wire: Wire
    reader: str
    query: str
    exports: bool
    digests: bool
    resumed: dict[str, Copy]
    polls: dict[str, asyncio.Task[Reply]]
    topic: TopicCopy | None
    broken: bool = False
    """Whether a page of a resumed copy, or a record of a topic, is wrong: it does not come again."""

    async def compare(self, poll: Poll) -> list[Deviation]:
        """The findings of the first way that has any."""
        if alike := self.expect.get("alike"):
            given = (await self._list(_WHOLE)).documents
            holds = [each for each in alike if each in given]
            self.expect = {**self.expect, "holds": holds, "outside": [each for each in alike if each not in given]}
        looks: list[_Look] = [
            self._look_at_singles,
            *(self._reading(say("way-list", limit=limit), self._list, limit) for limit in (_WHOLE, _ONE)),
            *(self._reading(say("way-start", limit=limit), self._start, limit) for limit in (_WHOLE, _SOME)),
            *(self._resume(limit, wait) for limit, wait in ((_WHOLE, 0), (_FEW, 0), (_WHOLE, _POLL_SECONDS))),
        ]
        if self.digests:
            looks.append(self._equal_copy())
        if self.topic is not None:
            looks.append(self._following(self.topic))
        if self.exports:
            looks += [self._exporting(name) for name in _FORMATS]
        for look in looks:
            if findings := await poll(self._fresh(look), lambda found: not found or self.broken):
                return findings
        return []

    def _fresh(self, look: _Look) -> _Look:
        """The look; after findings the single offers are read again for the next one: they may have been behind."""

        async def looked() -> list[Deviation]:
            findings = await look()
            if findings and look != self._look_at_singles:
                await self._look_at_singles()
            return findings

        return looked

    @property
    def _listed(self) -> list[str]:
        """The ids that lists and exports hold: the reader's own only where the query names it."""
        platforms = next((part for part in self.query.split("&") if part.startswith("platform=")), "")
        named = self.reader in platforms.partition("=")[2].split(",")
        return [*self._ids("holds"), *(self._ids("own") if named else ())]

    async def _look_at_singles(self) -> list[Deviation]:
        expected = dict.fromkeys(self._ids("holds", "outside", "own"), _FOUND)
        expected |= dict.fromkeys(self._ids("hidden", "gone"), _NOT_FOUND)
        for offer_id, status in expected.items():
            path = f"/v1/offers/{offer_id}"
            reply = await self.wire.call("GET", path)
            location = joined((self.location, plain(f"GET {path}")), ", ")
            own = offer_id.startswith(f"{self.reader}:") and status == _NOT_FOUND
            wanted = _GONE if own else status
            if reply.status != wanted:
                return [Deviation(say("at-status", location=location), plain(wanted), reply.summary)]
            if status == _FOUND:
                self.single[offer_id] = reply.json
                if wrong := mismatches(self.expect.get("offers", {}).get(offer_id, {}), reply.json, location):
                    return wrong
            if wrong := self._silence([_text(reply)], location):
                return wrong
        return []

    def _reading(self, name: Texts, read: Callable[[int], Awaitable[WayOutput]], limit: int) -> _Look:
        async def look() -> list[Deviation]:
            output = await read(limit)
            location = joined((self.location, name), ", ")
            if output.findings:
                return output.findings
            holds = self._listed if read == self._list else list(self._ids("holds"))
            return self._compare(output, holds, location)

        return look

    async def _list(self, limit: int, query: str | None = None) -> WayOutput:
        output, cursor = WayOutput(), None
        for _ in range(_PAGES_AT_MOST):
            reply = await self._get("/v1/offers", limit, cursor, query=query)
            wrong = self._page(reply, "offers", limit, say("way-list", limit=limit))
            if wrong:
                output.findings = wrong
                return output
            for each in reply.json["offers"]:
                if each["id"] in output.documents:
                    location = joined((self.location, say("way-list", limit=limit)), ", ")
                    output.findings = [
                        Deviation(location, say("appears-once", id=each["id"]), say("appears-times", times=2))
                    ]
                output.documents[each["id"]] = each
            output.texts.append(_text(reply))
            cursor = reply.json.get("cursor")
            if not reply.json.get("more"):
                break
        return output

    def _page(self, reply: Reply, name: str, limit: int, way: Texts) -> list[Deviation]:
        location = joined((self.location, way), ", ")
        if reply.status != _FOUND:
            return [Deviation(say("at-status", location=location), plain(_FOUND), reply.summary)]
        items = reply.json.get(name) if isinstance(reply.json, dict) else None
        if not isinstance(items, list) or not all(isinstance(each, dict) and "id" in each for each in items):
            return [Deviation(location, say("list-of-offers"), plain(render_value(reply.json)))]
        if len(items) > limit:
            return [Deviation(location, say("so-many", size=limit), plain(len(items)))]
        return []

    async def _start(self, limit: int) -> WayOutput:
        """The feed from its start: what is live, once each, and no removal (FEED-010)."""
        copy = Copy()
        output = await self._read(copy, limit, say("way-start", limit=limit))
        location = joined((self.location, say("way-start", limit=limit)), ", ")
        expected = {
            "once": list(self._ids("holds")),
            "never": list(self._ids("hidden", "outside", "gone", "own", "never")),
        }
        output.findings = output.findings or copy.compare(expected, location)
        return output

    def _resume(self, limit: int, wait: int) -> _Look:
        """The feed at its end: one copy for each limit, and one that waits for news."""
        name = say("way-poll") if wait else say("way-tail", limit=limit)
        known = f"{self.reader} {self.query} {limit} {wait}"
        copy = self.resumed.setdefault(known, Copy())
        reached = copy.cursor is not None
        location = joined((self.location, name), ", ")
        expected = {
            "holds": list(self._ids("holds")),
            "lacks": list(self._ids("outside", "hidden", "gone", "own")),
            "never": list(self._ids("never", "own")),
            "removed": {**self.expect.get("gone", {}), **self.expect.get("removed", {})} if reached else {},
        }

        async def look() -> list[Deviation]:
            opened = self.polls.pop(known, None)
            output = await self._read(copy, limit, name, first=None if opened is None else await opened)
            self.broken = bool(output.findings) and output.page
            output.documents = dict(copy.held)
            output.texts = [orjson.dumps(each).decode() for each in copy.held.values()]
            findings = output.findings or copy.compare(expected, location)
            findings = findings or self._compare(output, list(self._ids("holds")), location)
            if wait and not findings:
                self.polls[known] = asyncio.ensure_future(self._get(_FEED, limit, copy.cursor, wait))
            return findings

        return look

    def _equal_copy(self) -> _Look:
        """The end of the feed with digests, into a copy of its own: the nodes above one of its offers (DIG-*)."""
        copy = self.resumed.setdefault(f"{self.reader} {self.query} digest", Copy())
        name = say("way-digest")
        location = joined((self.location, name), ", ")

        async def look() -> list[Deviation]:
            findings = (await self._read(copy, _SOME, name, path=_DIGEST)).findings
            leaf = leaf_of(next(iter(copy.held), ""))
            for path in ("", leaf[:2], leaf):
                findings = findings or await self._compare_node(copy, path, location)
            return findings

        return look

    async def _compare_node(self, copy: Copy, path: str, location: Texts) -> list[Deviation]:
        """The findings on one node, after the page of its answer has been applied."""
        reply = await self._get(_DIGEST, _WHOLE, copy.cursor, node=path)
        wrong = self._page(reply, "changes", _WHOLE, say("way-digest")) or copy.apply(reply.json, location)
        for name, value in {} if wrong else {"node": path, **node_of(copy.held, path)}.items():
            if reply.json.get(name) != value:
                where = joined((location, plain(f"{path}/{name}")), ", ")
                return [Deviation(where, plain(render_value(value)), plain(render_value(reply.json.get(name))))]
        return wrong

    def _following(self, topic: TopicCopy) -> _Look:
        """The subscriber topic: what the feed would give its reader at its end, in its own territory and under no other
        filter (FEED-011): what the list without a filter of place holds.
        """
        location = joined((self.location, say("way-topic", topic=topic.topic.name)), ", ")
        seen = list(self._ids("holds", "outside"))
        lost = {**self.expect.get("gone", {}), **self.expect.get("removed", {})}

        async def look() -> list[Deviation]:
            if wrong := self._configured(topic, location):
                return wrong
            platforms = ",".join(sorted({each.partition(":")[0] for each in seen}))
            listed = await self._list(_WHOLE, f"platform={platforms}") if seen else WayOutput()
            given = [each for each in seen if each in listed.documents]
            findings = await topic.read(location)
            self.broken = bool(findings)
            removed = {each: reason for each, reason in lost.items() if each in topic.copy.removed}
            expected = {
                "holds": given,
                "lacks": [each for each in (*seen, *self._ids("hidden", "own"), *lost) if each not in given],
                "never": [each for each in self._ids("never", "own") if each not in seen],
                "removed": {each: reason for each, reason in removed.items() if each not in given},
            }
            findings = listed.findings or findings or topic.copy.compare(expected, location)
            findings = findings or self._same_removals(topic, removed, location)
            output = WayOutput(dict(topic.copy.held), [topic.texts[each] for each in topic.copy.held])
            return findings or self._compare(output, given, location)

        return look

    def _same_removals(self, topic: TopicCopy, removed: Iterable[str], location: Texts) -> list[Deviation]:
        """The findings on withdrawals, which have the same sequence at the end of the feed."""
        feed = self.resumed[f"{self.reader} {self.query} {_WHOLE} 0"]
        for each in removed:
            given, found = feed.applied.get(each), topic.copy.applied[each]
            if each in self._ids("gone") and each in feed.removed and given != found:
                where = joined((location, plain(each)), " ")
                return [Deviation(where, say("sequence", sequence=given), say("sequence", sequence=found))]
        return []

    def _configured(self, topic: TopicCopy, location: Texts) -> list[Deviation]:
        """The findings on the topic's configuration. Raises NotApplicableError where it cannot be read."""
        wanted, found = self.expect.get("topic"), topic.topic.configuration
        if wanted is not None and found is None:
            raise NotApplicableError(say("topic-configuration", topic=topic.topic.name))
        return [] if wanted is None else mismatches(wanted, found, location)

    async def _read(
        self, copy: Copy, limit: int, name: Texts, *, first: Reply | None = None, path: str = _FEED
    ) -> WayOutput:
        """Read the feed to its end into a copy, from the page that came first; the documents are those that came.
        Behind a full page of a few the next one is looked at, even where no more is left: what comes then is denied.
        """
        output, location = WayOutput(), joined((self.location, name), ", ")
        last, denied = False, 0
        for _ in range(_PAGES_AT_MOST):
            reply = first or await self._get(path, limit, copy.cursor)
            first = None
            wrong = self._page(reply, "changes", limit, name)
            output.page = reply.status == _FOUND
            wrong = wrong or mismatches({"$schema": "changes-page"}, reply.json, location)
            output.findings = wrong or copy.apply(reply.json, location)
            if output.findings:
                return output
            upserts = (each for each in reply.json["changes"] if each["op"] == "upsert")
            output.documents.update({each["id"]: each for each in upserts})
            output.texts.append(_text(reply))
            denied += last and bool(reply.json["changes"])
            last = not reply.json["more"]
            if last and (limit != _FEW or len(reply.json["changes"]) < limit):
                break
        if denied > _DENIED_ONCE:
            output.findings = [Deviation(location, say("more-behind-full-pages"), say("none-behind-full-pages"))]
        return output

    async def _get(
        self, path: str, limit: int, cursor: str | None, wait: int = 0, *, query: str | None = None, node: str = ""
    ) -> Reply:
        parameters = [self.query if query is None else query, f"limit={limit}", f"wait={wait}" if wait else ""]
        parameters += [f"node={node}"] if node else []
        parameters += [f"cursor={quote(cursor, safe='')}"] if cursor is not None else []
        return await self.wire.call("GET", f"{path}?{'&'.join(filter(None, parameters))}")

    def _exporting(self, name: str) -> _Look:
        """An export, in which an offer is known by its id or the address where it applies."""

        async def look() -> list[Deviation]:
            location = joined((self.location, say("way-export", format=name)), ", ")
            reply = await self.wire.call("GET", f"/v1/exports/{name}?{self.query}")
            if reply.status != _FOUND:
                return [Deviation(say("at-status", location=location), plain(_FOUND), reply.summary)]
            try:
                entries = entries_of(reply.body, reply.headers.get("Content-Type", ""))
            except UnreadableExportError as error:
                return [Deviation(location, say("export-file"), error.text)]
            known = list(self._ids("holds", "outside", "hidden", "gone", "own"))
            given = {offer_id: entry for entry in entries for offer_id in _subject(entry, known)}
            for offer_id in self._listed:
                if offer_id not in given:
                    return [Deviation(location, say("is-given", id=offer_id), say("it-is-not"))]
            for offer_id, texts in self.expect.get("exported", {}).items():
                for text in texts:
                    if not any(text in part for part in given[offer_id]):
                        return [Deviation(location, plain(text), plain(render_value(given[offer_id])))]
            return self._absence(given, self._listed, location) or self._silence(
                [reply.body.decode(errors="replace")], location
            )

        return look


def _subject(entry: Sequence[str], known: Sequence[str]) -> list[str]:
    """The offer of an entry: the first that it names, by id or address; possible duplicates follow."""
    local = {each.partition(":")[2]: each for each in known}
    named = (part.replace("/", ":").rpartition(":")[2] for part in entry)
    return [local[name] for name in named if name in local][:1]


def _text(reply: Reply) -> str:
    """The text of a JSON answer, whatever its spelling."""
    return reply.body.decode(errors="replace") if reply.json is None else orjson.dumps(reply.json).decode()
